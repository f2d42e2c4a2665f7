import { type ByteSink, SizeSink } from "./byte-sink.ts";
import type { UserProperty } from "./packets.ts";
import { NO_PROPERTIES, PROPERTY_RULES, type Properties, type PropertyPlace, type PropertyRule } from "./properties.ts";

/** Writes the properties of `source` that belong in `place`; other fields of `source` are no concern of ours. */
export function encodeProperties(sink: ByteSink, place: PropertyPlace, source: Properties): void {
  if (source === NO_PROPERTIES) {
    sink.uint8(0);
    return;
  }
  const size = new SizeSink();
  writeAll(size, place, source);
  sink.varint(size.size);
  if (size.size > 0) writeAll(sink, place, source);
}

/** Whether `source` has any property that belongs in `place`. */
export function hasProperties(place: PropertyPlace, source: Properties): boolean {
  return rulesOf(place).some(({ name }) => source[name] !== undefined);
}

const RULES_BY_PLACE = new Map<PropertyPlace, readonly PropertyRule[]>();

function rulesOf(place: PropertyPlace): readonly PropertyRule[] {
  let rules = RULES_BY_PLACE.get(place);
  if (rules === undefined) {
    rules = PROPERTY_RULES.filter(({ places }) => places.includes(place));
    RULES_BY_PLACE.set(place, rules);
  }
  return rules;
}

function writeAll(sink: ByteSink, place: PropertyPlace, source: Properties): void {
  for (const rule of rulesOf(place)) {
    const value = source[rule.name];
    if (value === undefined) continue;
    if (rule.name === "userProperties" || rule.name === "subscriptionIdentifiers") {
      for (const one of value as readonly unknown[]) writeOne(sink, rule, one);
    } else {
      writeOne(sink, rule, value);
    }
  }
}

function writeOne(sink: ByteSink, { id, kind }: PropertyRule, value: unknown): void {
  sink.uint8(id);
  switch (kind) {
    case "bit":
    case "flag":
      sink.uint8(Number(value));
      break;
    case "uint16":
      sink.uint16(value as number);
      break;
    case "uint32":
      sink.uint32(value as number);
      break;
    case "varint":
      sink.varint(value as number);
      break;
    case "string":
      sink.string(value as string);
      break;
    case "binary":
      sink.binary(value as Uint8Array);
      break;
    case "pair":
      writePair(sink, value as UserProperty);
      break;
  }
}

function writePair(sink: ByteSink, [name, value]: UserProperty): void {
  sink.string(name);
  sink.string(value);
}

import type { ByteCursor } from "./byte-cursor.ts";
import type { CodecLimits } from "./codec-limits.ts";
import type { UserProperty } from "./packets.ts";
import { NO_PROPERTIES, PROPERTY_RULES, type Properties, type PropertyPlace, type PropertyRule } from "./properties.ts";
import { MqttProtocolError, malformed, overLimit, protocolError } from "./protocol-error.ts";
import { REASON } from "./reason-codes.ts";

type Bag = { -readonly [name in keyof Properties]: unknown };

/**
 * Reads a properties section. Unknown identifiers and truncated values are malformed; a property that comes twice or
 * has a forbidden value is a protocol error. A property that does not belong in this packet is malformed (§2.2.2.2);
 * Mosquitto calls it a protocol error in all packets but SUBSCRIBE and UNSUBSCRIBE, and we answer with the code that
 * device makers know from there.
 */
export function decodeProperties(cursor: ByteCursor, place: PropertyPlace, limits: CodecLimits): Properties {
  const length = cursor.varint("properties length");
  if (length === 0) return NO_PROPERTIES;
  const outer = cursor.enter(length, "properties");
  const bag: Bag = {};
  let misplaced: PropertyRule | undefined;
  // A section that cannot be parsed to its end is malformed, whatever it began with.
  while (cursor.remaining > 0) misplaced = decodeProperty(cursor, { place, bag, limits }) ?? misplaced;
  cursor.leave(outer);
  if (misplaced !== undefined) throw misplacement(misplaced, place);
  return bag as Properties;
}

const RULES_BY_ID: readonly (readonly PropertyRule[] | undefined)[] = indexRules();

function indexRules(): PropertyRule[][] {
  const byId: PropertyRule[][] = [];
  for (const rule of PROPERTY_RULES) {
    byId[rule.id] ??= [];
    byId[rule.id]?.push(rule);
  }
  return byId;
}

interface Target {
  readonly place: PropertyPlace;
  readonly bag: Bag;
  readonly limits: CodecLimits;
}

/** Reads one property into the bag; returns its rule instead if it does not belong here. */
function decodeProperty(cursor: ByteCursor, { place, bag, limits }: Target): PropertyRule | undefined {
  const id = cursor.varint("property identifier");
  const candidates = RULES_BY_ID[id];
  if (candidates === undefined) throw malformed("MQTT-2.2.2-2", `property 0x${id.toString(16)} does not exist`);
  const rule = candidates.find((candidate) => candidate.places.includes(place));
  const named = rule ?? (candidates[0] as PropertyRule);
  const value = readValue(cursor, named);
  if (rule === undefined) return named;
  checkValue(rule, value);
  keep(bag, rule, value, limits);
  return undefined;
}

function misplacement({ name }: PropertyRule, place: PropertyPlace): MqttProtocolError {
  const fault = place === "subscribe" || place === "unsubscribe" ? malformed : protocolError;
  return fault("§2.2.2.2", `property ${name} does not belong in ${place}`);
}

function readValue(cursor: ByteCursor, { kind, name }: PropertyRule): unknown {
  switch (kind) {
    case "bit":
      return cursor.uint8(name);
    case "flag":
      return readFlag(cursor.uint8(name), name);
    case "uint16":
      return cursor.uint16(name);
    case "uint32":
      return cursor.uint32(name);
    case "varint":
      return cursor.varint(name);
    case "string":
      return cursor.string(name);
    case "binary":
      return cursor.binary(name);
    case "pair":
      return [cursor.string(name), cursor.string(name)] satisfies UserProperty;
  }
}

function readFlag(value: number, name: string): boolean {
  if (value > 1) throw protocolError("§2.2.2.2", `property ${name} is ${value}, not 0 or 1`);
  return value === 1;
}

function checkValue(rule: PropertyRule, value: unknown): void {
  if (rule.kind === "bit" && (value as number) > 1) {
    throw protocolError("§2.2.2.2", `property ${rule.name} is ${value}, not 0 or 1`);
  }
  if (rule.positive && value === 0) throw zeroFault(rule.name);
  if (rule.name === "responseTopic") checkResponseTopic(value as string);
}

function zeroFault(name: keyof Properties): MqttProtocolError {
  if (name === "topicAlias") return new MqttProtocolError(REASON.topicAliasInvalid, "MQTT-3.3.2-8", "topic alias is 0");
  if (name === "subscriptionIdentifier") return malformed("§3.8.2.1.2", "subscription identifier is 0");
  return protocolError("§2.2.2.2", `property ${name} is 0`);
}

function checkResponseTopic(topic: string): void {
  if (topic === "" || topic.includes("+") || topic.includes("#")) {
    throw protocolError("MQTT-3.3.2-14", "the response topic must be a topic name without wildcards");
  }
}

function keep(bag: Bag, { name }: PropertyRule, value: unknown, limits: CodecLimits): void {
  if (name === "userProperties" || name === "subscriptionIdentifiers") {
    append(bag, name, value, limits);
    return;
  }
  if (name in bag) throw protocolError("§2.2.2.2", `property ${name} comes twice`);
  bag[name] = value;
}

// The two that may repeat. Both are bounded: each entry costs the sender a few bytes and us an object.
function append(bag: Bag, name: keyof Properties, value: unknown, limits: CodecLimits): void {
  const list = (bag[name] ?? []) as unknown[];
  if (list.length >= limits.userProperties) {
    throw overLimit("userProperties", `more than ${limits.userProperties} ${name} in one packet`);
  }
  list.push(value);
  bag[name] = list;
}

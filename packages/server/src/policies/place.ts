import { Fault } from "../kit/fault.ts";

/** Where in the document: `Statement[2].Action`. */
export type Place = string;

export function refuse(place: Place, sentence: string): never {
  throw new Fault("policy_invalid", `${place}: ${sentence}${sentence.endsWith("?") ? "" : "."}`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fields(value: unknown, place: Place): readonly (readonly [string, unknown])[] {
  if (!isRecord(value)) refuse(place, `must be an object, not ${describe(value)}`);
  return Object.entries(value);
}

/** One text or a list of them, as everywhere in the policy language. */
export function texts(value: unknown, place: Place, options: { readonly scalars: boolean }): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) refuse(place, "is an empty list; name at least one");
  return list.map((item, index) => {
    if (typeof item === "string") return item;
    if (options.scalars && (typeof item === "boolean" || typeof item === "number")) return String(item);
    return refuse(Array.isArray(value) ? `${place}[${index}]` : place, `must be text, not ${describe(item)}`);
  });
}

export function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

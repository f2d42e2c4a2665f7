import { Fault } from "../../kit/fault.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A text field of a payload, or undefined where it is absent; payload_malformed where it is something else. */
export function textField(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new Fault("payload_malformed", `The field "${name}" must be text.`);
}

/** A map from text to text; empty where the field is absent. */
export function textMapField(fields: Fields, name: string): ReadonlyMap<string, string> {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined) return new Map();
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Fault("payload_malformed", `The field "${name}" must be a map of text to text.`);
  }
  const entries = Object.entries(value);
  const wrong = entries.find(([, text]) => typeof text !== "string");
  if (wrong !== undefined) {
    throw new Fault("payload_malformed", `In "${name}" the value of "${wrong[0].slice(0, 64)}" must be text.`);
  }
  return new Map(entries as [string, string][]);
}

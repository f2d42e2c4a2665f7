import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import { scrub } from "../kit/scrub.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";
import type { HookDecision } from "./ports.ts";

/** Reads the bytes of an answer. @throws Fault hook_answer_invalid, naming what is wrong. */
export function parseAnswerText(bytes: Uint8Array): HookDecision {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new Fault("hook_answer_invalid", "The hook's answer is not JSON in UTF-8.", { cause: error });
  }
  return parseAnswer(answer);
}

/**
 * Strict: what is not exactly a decision denies. Unknown fields are left alone, as AWS does.
 * @throws Fault hook_denied if it says no, hook_answer_invalid if it says neither yes nor no.
 */
export function parseAnswer(answer: unknown): HookDecision {
  if (!isObject(answer)) throw invalid(`is ${nameOf(answer)} where an object is expected`);
  const allowed = answer["allowProvisioning"];
  if (allowed === undefined) throw invalid("has no allowProvisioning");
  if (typeof allowed !== "boolean")
    throw invalid(`has ${nameOf(allowed)} as allowProvisioning; it must be true or false`);
  if (!allowed) throw denied(answer["reason"]);
  return { parameterOverrides: parseOverrides(answer["parameterOverrides"]) };
}

/** A hook's own words on one bounded, harmless line. */
export function boundedReason(text: string): string {
  const plain = text.replace(CONTROLS, " ").replace(/ {2,}/g, " ").trim();
  const clean = scrub(plain);
  if (clean.length <= HOOK_LIMITS.reasonCharacters) return clean;
  return `${clean.slice(0, HOOK_LIMITS.reasonCharacters - 1).toWellFormed()}…`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Beyond the documented answer a hook may say why; AWS ignores the field. */
function denied(reason: unknown): Fault {
  const words = typeof reason === "string" ? boundedReason(reason) : "";
  return new Fault("hook_denied", words === "" ? undefined : `The hook refused this device: ${words}`);
}

/** Names that would reach an object's prototype where somebody copies the overrides carelessly. */
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

function parseOverrides(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw invalid(`has ${nameOf(value)} as parameterOverrides; it must be an object of texts`);
  const entries = Object.entries(value);
  if (entries.length > LIMITS.parameters) throw invalid(`has more than ${LIMITS.parameters} parameterOverrides`);
  return Object.fromEntries(entries.map(([key, text]) => [checkKey(key), checkText(key, text)]));
}

function checkKey(key: string): string {
  if (key === "") throw invalid("has a parameterOverride without a name");
  if (key.length > LIMITS.parameterKeyCharacters) {
    throw invalid(`has a parameterOverride whose name is longer than ${LIMITS.parameterKeyCharacters} characters`);
  }
  if (FORBIDDEN_KEYS.has(key)) throw invalid(`has a parameterOverride with the forbidden name "${key}"`);
  return key;
}

function checkText(key: string, text: unknown): string {
  const name = boundedReason(key).slice(0, 60);
  if (typeof text !== "string") throw invalid(`has ${nameOf(text)} as parameterOverride "${name}"; it must be a text`);
  if (text.length > LIMITS.parameterValueCharacters) {
    throw invalid(`has a parameterOverride "${name}" longer than ${LIMITS.parameterValueCharacters} characters`);
  }
  return text;
}

function invalid(what: string): Fault {
  return new Fault("hook_answer_invalid", `The hook's answer ${what}.`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return (
    { string: "a text", number: "a number", boolean: "a boolean", object: "an object" }[typeof value as "string"] ??
    typeof value
  );
}

import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import { type BoundToken, compileGlob } from "./glob.ts";
import { parseConditions } from "./parse-condition.ts";
import { PatternError, type PatternRules, readPattern } from "./pattern.ts";
import { describe, fields, isRecord, type Place, refuse, texts } from "./place.ts";
import type { ActionPattern, Policy, Statement } from "./policy.ts";
import { parseResource, type ResourcePattern } from "./resource.ts";

/** Reads a policy document, as text or already parsed. Throws `policy_invalid` with the place of the first mistake. */
export function parsePolicy(document: unknown): Policy {
  const value = typeof document === "string" ? readText(document) : measured(document);
  if (!isRecord(value)) refuse("Policy", `must be an object, not ${describe(value)}`);
  for (const key of Object.keys(value)) {
    if (!["Version", "Id", "Statement"].includes(key)) refuse(key, "is not part of a policy; remove it");
  }
  const version = value["Version"];
  if (version !== "2012-10-17" && version !== "2008-10-17") refuse("Version", 'must be "2012-10-17"');
  if (value["Id"] !== undefined && typeof value["Id"] !== "string") refuse("Id", "must be text");
  const written = value["Statement"];
  const list = Array.isArray(written) ? written : [written];
  if (list.length === 0) refuse("Statement", "is an empty list; a policy without statements allows nothing");
  const rules: PatternRules = { wildcards: true, variables: version === "2012-10-17" };
  return {
    version,
    statements: list.map((item, index) =>
      parseStatement(item, Array.isArray(written) ? `Statement[${index}]` : "Statement", rules),
    ),
  };
}

function readText(text: string): unknown {
  checkLength(text.length);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault("policy_invalid", `The policy is not JSON: ${(cause as Error).message}.`, { cause });
  }
  // JSON.parse keeps the last of two equal keys without a word; here that could be the `Effect`.
  if (countMembers(text) !== countKeys(value))
    refuse("Policy", "an object holds the same key twice; remove one of them");
  return value;
}

function measured(document: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(document);
  } catch {
    refuse("Policy", "is not a JSON value");
  }
  checkLength(text?.length ?? 0);
  // A fresh copy: no getters, no prototypes, nothing that changes afterwards.
  return text === undefined ? undefined : JSON.parse(text);
}

function checkLength(characters: number): void {
  if (characters > LIMITS.policyCharacters) {
    refuse("Policy", `has ${characters} characters; at most ${LIMITS.policyCharacters} are allowed`);
  }
}

/** Colons outside of strings: one for each member of an object. The text is known to be JSON. */
function countMembers(text: string): number {
  let members = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") at++;
    else if (character === '"') inString = !inString;
    else if (character === ":" && !inString) members++;
  }
  return members;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, item) => sum + countKeys(item), own);
}

const STATEMENT_KEYS = new Set(["Sid", "Effect", "Action", "Resource", "NotResource", "Condition"]);
const NOT_OURS: ReadonlyMap<string, string> = new Map([
  ["NotAction", "is not part of AWS IoT's policies; list the actions under Action, and those to forbid under a Deny"],
  ["Principal", "is not part of AWS IoT's policies; attach the policy to a thing, group or certificate instead"],
  ["NotPrincipal", "is not part of AWS IoT's policies; attach the policy to a thing, group or certificate instead"],
]);

function parseStatement(value: unknown, place: Place, rules: PatternRules): Statement {
  const written = new Map(fields(value, place));
  for (const key of written.keys()) {
    if (!STATEMENT_KEYS.has(key))
      refuse(`${place}.${key}`, NOT_OURS.get(key) ?? "is not part of a statement; remove it");
  }
  const sid = written.get("Sid");
  if (sid !== undefined && typeof sid !== "string") refuse(`${place}.Sid`, "must be text");
  const effect = written.get("Effect");
  if (effect !== "Allow" && effect !== "Deny") refuse(`${place}.Effect`, 'must be "Allow" or "Deny"');
  if (written.has("Resource") === written.has("NotResource")) {
    refuse(place, "needs either Resource or NotResource, and not both");
  }
  const resourceKey = written.has("Resource") ? "Resource" : "NotResource";
  return {
    sid,
    effect,
    actions: parseEach(written.get("Action"), `${place}.Action`, parseAction),
    resources: parseEach(written.get(resourceKey), `${place}.${resourceKey}`, (text) => parseResource(text, rules)),
    notResource: resourceKey === "NotResource",
    conditions: written.has("Condition") ? parseConditions(written.get("Condition"), `${place}.Condition`, rules) : [],
  };
}

function parseEach<Item extends ActionPattern | ResourcePattern>(
  value: unknown,
  place: Place,
  parse: (text: string) => Item,
): readonly Item[] {
  return texts(value, place, { scalars: false }).map((text, index) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      return refuse(Array.isArray(value) ? `${place}[${index}]` : place, `${JSON.stringify(text)}: ${error.message}`);
    }
  });
}

const ACTION = /^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+)$/;

/** Letter case does not matter in actions, as in IAM: a Deny must not be void because of `iot:publish`. */
function parseAction(text: string): ActionPattern {
  if (!ACTION.test(text)) throw new PatternError("an action is SERVICE:NAME, such as iot:Publish, or *");
  const tokens = readPattern(text.toLowerCase(), { wildcards: true, variables: false });
  return { text, covers: compileGlob(tokens as readonly BoundToken[]) };
}

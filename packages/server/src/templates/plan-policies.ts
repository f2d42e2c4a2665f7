import { createHash } from "node:crypto";
import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import { POLICY_NAME_PATTERN, type PolicyName } from "../vocabulary/ids.ts";
import { type Evaluator, fail, quoted } from "./evaluator.ts";
import type { PlannedPolicy } from "./plan.ts";
import type { PolicyResource } from "./template.ts";
import { checkSafeInPolicy, type Text, type Value } from "./text.ts";

/** Policies by name, and by document under a name that is the document's hash; each once. */
export function planPolicies(resources: readonly PolicyResource[], evaluator: Evaluator): readonly PlannedPolicy[] {
  const planned = new Map<string, PlannedPolicy>();
  for (const resource of resources) {
    const policy = planPolicy(resource, evaluator);
    planned.set(policy.name, policy);
  }
  return [...planned.values()];
}

function planPolicy(resource: PolicyResource, evaluator: Evaluator): PlannedPolicy {
  if (resource.name !== undefined) {
    const name = evaluator.text(resource.name);
    checkSafeInPolicy(name, resource.name.path);
    if (POLICY_NAME_PATTERN.test(name.plain)) return { name: name.plain as PolicyName, document: undefined };
    const found = `${quoted(name.plain)} is not a policy name: 1–128 of [a-zA-Z0-9_+=,.@-]`;
    throw new Fault("name_invalid", `${resource.name.path}: ${found}.`);
  }
  if (resource.document === undefined) return fail(resource.path, "the policy has neither name nor document");
  const { path } = resource.document;
  const value = evaluator.value(resource.document);
  const plain = value.kind === "text" ? parseDocument(value, path) : toJson(value, path);
  const document = JSON.stringify(plain);
  if (document.length > LIMITS.policyCharacters) {
    fail(path, `the policy document has ${document.length} characters; at most ${LIMITS.policyCharacters} are allowed`);
  }
  return { name: createHash("sha256").update(document).digest("hex") as PolicyName, document };
}

/** Private-use characters stand for device text while a document in text form is parsed. */
const MARK = /\ue000(\d+)\ue001/g;

/**
 * Parses a document that was given as text. Device text must not become syntax: it is taken out before parsing and put
 * back into the finished strings, so that a quotation mark in it stays a character.
 */
function parseDocument(text: Text, path: string): unknown {
  if (/[\ue000\ue001]/.test(text.plain)) fail(path, "the policy document holds characters U+E000 or U+E001");
  checkSafeInPolicy(text, path);
  const taken: string[] = [];
  const marked = text.spans.map((span) => (span.fromDevice ? `\ue000${taken.push(span.text) - 1}\ue001` : span.text));
  let parsed: unknown;
  try {
    parsed = JSON.parse(marked.join(""));
  } catch (cause) {
    throw new Fault("template_evaluation_failed", `${path}: the policy document is not JSON.`, { cause });
  }
  if (typeof parsed !== "object" || parsed === null) fail(path, "the policy document is not an object");
  return putBack(parsed, taken, path);
}

function putBack(value: unknown, taken: readonly string[], path: string): unknown {
  if (typeof value === "string") return value.replaceAll(MARK, (_, index: string) => taken[Number(index)] as string);
  if (Array.isArray(value)) return value.map((item) => putBack(item, taken, path));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, member]): [string, unknown] => {
    if (key.includes("\ue000")) fail(path, "a device-supplied value stands in a key of the policy document");
    return [key, putBack(member, taken, path)];
  });
  return Object.fromEntries(members);
}

function toJson(value: Value, path: string): unknown {
  switch (value.kind) {
    case "text":
      checkSafeInPolicy(value, path);
      return value.plain;
    case "scalar":
      return value.value;
    case "list":
      return value.items.map((item) => toJson(item, path));
    case "object":
      return Object.fromEntries([...value.members].map(([key, member]) => [key, toJson(member, path)]));
  }
}

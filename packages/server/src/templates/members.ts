import { type Findings, pointer, type Spot } from "./findings.ts";
import type { JsonNode } from "./json-reader.ts";

/** A node with its JSON pointer. */
export interface Located extends Spot {
  readonly node: JsonNode;
  /** Where its key stands; the same as `at` for items of a list. */
  readonly keyAt: number;
}

const DANGEROUS = new Set(["__proto__", "constructor", "prototype"]);

/** The members of an object by key, each reported once; undefined if the node is no object. */
export function membersOf(value: Located, findings: Findings): ReadonlyMap<string, Located> | undefined {
  if (value.node.kind !== "object") {
    return findings.error(value, `An object is expected here, not ${describeNode(value.node)}.`, "Write { … }.");
  }
  const members = new Map<string, Located>();
  for (const { key, at, value: node } of value.node.members) {
    const spot = { path: pointer(value.path, key), at };
    if (DANGEROUS.has(key)) {
      findings.error(spot, `The key "${key}" is not allowed anywhere in a template.`, "Choose another name.");
    } else if (members.has(key)) {
      findings.error(spot, `The key "${key}" occurs twice in this object.`, "Remove one of the two.");
    } else members.set(key, { path: spot.path, at: node.at, keyAt: at, node });
  }
  return members;
}

export function itemsOf(value: Located): readonly Located[] {
  if (value.node.kind !== "array") return [];
  return value.node.items.map((node, index) => ({
    path: pointer(value.path, index),
    at: node.at,
    keyAt: node.at,
    node,
  }));
}

/** Reports every key that the grammar does not name. */
export function onlyKeys(members: ReadonlyMap<string, Located>, allowed: readonly string[], findings: Findings): void {
  for (const [key, member] of members) {
    if (allowed.includes(key)) continue;
    const similar = allowed.find((name) => name.toLowerCase() === key.toLowerCase());
    const remedy = similar === undefined ? `Known here: ${allowed.join(", ")}.` : `Write "${similar}".`;
    findings.error({ path: member.path, at: member.keyAt }, `"${key}" is not known here.`, remedy);
  }
}

/** Literal text; undefined (and reported) otherwise. */
export function literalText(value: Located, findings: Findings): string | undefined {
  if (value.node.kind === "string") return value.node.value;
  return findings.error(value, `Literal text is expected here, not ${describeNode(value.node)}.`, 'Write "…".');
}

export function describeNode(node: JsonNode): string {
  switch (node.kind) {
    case "array":
      return "a list";
    case "object":
      return "an object";
    case "string":
      return "text";
    case "null":
      return "null";
    default:
      return `a ${node.kind}`;
  }
}

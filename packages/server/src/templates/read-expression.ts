import type { Findings } from "./findings.ts";
import { describeNode, itemsOf, type Located, literalText, membersOf } from "./members.ts";
import type { Call, Expression } from "./template.ts";

/** What reading a template carries along. */
export interface Reading {
  readonly findings: Findings;
  /** Every name that a Ref or Fn::Sub asks for, with its place; judged when all declarations are known. */
  readonly references: { readonly name: string; readonly spot: Located }[];
  /** Every map name written as a literal. */
  readonly maps: { readonly name: string; readonly spot: Located }[];
}

/** Functions within functions: the deepest that people write is three. */
const CALL_DEPTH = 8;
const FUNCTIONS = ["Ref", "Fn::Join", "Fn::Select", "Fn::FindInMap", "Fn::Split", "Fn::Sub"];

/** Reads any value of the template, functions included. Undefined where something in it was reported. */
export function readExpression(value: Located, reading: Reading, depth = 0): Expression | undefined {
  const { node, path } = value;
  switch (node.kind) {
    case "string":
      return { kind: "text", path, text: node.value };
    case "number":
    case "boolean":
      return { kind: "scalar", path, value: node.value };
    case "null":
      return { kind: "scalar", path, value: null };
    case "array":
      return readList(value, reading, depth);
    case "object":
      return readObject(value, reading, depth);
  }
}

function readList(value: Located, reading: Reading, depth: number): Expression | undefined {
  const items = itemsOf(value).map((item) => readExpression(item, reading, depth));
  return items.every((item) => item !== undefined) ? { kind: "list", path: value.path, items } : undefined;
}

function readObject(value: Located, reading: Reading, depth: number): Expression | undefined {
  const members = membersOf(value, reading.findings);
  if (members === undefined) return undefined;
  const call = [...members].find(([key]) => key === "Ref" || key.startsWith("Fn::"));
  if (call !== undefined) return readCall(value, call, { reading, depth: depth + 1, alone: members.size === 1 });
  const read = new Map<string, Expression>();
  for (const [key, member] of members) {
    const expression = readExpression(member, reading, depth);
    if (expression !== undefined) read.set(key, expression);
  }
  return read.size === members.size ? { kind: "object", path: value.path, members: read } : undefined;
}

interface CallContext {
  readonly reading: Reading;
  readonly depth: number;
  readonly alone: boolean;
}

function readCall(value: Located, [name, argument]: [string, Located], context: CallContext): Call | undefined {
  const { findings } = context.reading;
  if (!FUNCTIONS.includes(name)) {
    return findings.error(
      value,
      `${name} is not a function of provisioning templates.`,
      `Known: ${FUNCTIONS.join(", ")}.`,
    );
  }
  if (!context.alone) {
    return findings.error(value, `${name} must stand alone in its object.`, "Move the other keys elsewhere.");
  }
  if (context.depth > CALL_DEPTH) {
    return findings.error(
      value,
      `Functions are nested deeper than ${CALL_DEPTH}.`,
      "Compute parts in separate attributes.",
    );
  }
  const read = (part: Located): Expression | undefined => readExpression(part, context.reading, context.depth);
  const { path } = value;
  if (name === "Ref") return readRef(argument, path, context.reading);
  if (name === "Fn::Sub") return readSub(argument, path, context);
  const parts = itemsOf(argument);
  const wanted = name === "Fn::FindInMap" ? 3 : 2;
  if (parts.length !== wanted)
    return findings.error(argument, `${name} takes a list of ${wanted} values.`, USAGE[name]!);
  const map = parts[0] as Located;
  if (name === "Fn::FindInMap" && map.node.kind === "string")
    context.reading.maps.push({ name: map.node.value, spot: map });
  if (!argumentsFit(name, parts, findings)) return undefined;
  const [first, second, third] = parts.map(read);
  if (first === undefined || second === undefined) return undefined;
  switch (name) {
    case "Fn::Join":
      return { kind: name, path, delimiter: first, values: second };
    case "Fn::Select":
      return { kind: name, path, index: first, values: second };
    case "Fn::Split":
      return { kind: name, path, delimiter: first, source: second };
    default:
      return third === undefined ? undefined : { kind: "Fn::FindInMap", path, keys: [first, second, third] };
  }
}

const USAGE: Readonly<Record<string, string>> = {
  "Fn::Join": 'Write {"Fn::Join": ["-", ["a", "b"]]}.',
  "Fn::Select": 'Write {"Fn::Select": ["0", ["a", "b"]]}.',
  "Fn::Split": 'Write {"Fn::Split": ["-", "a-b"]}.',
  "Fn::FindInMap": 'Write {"Fn::FindInMap": ["Map", "first key", "second key"]}.',
};

/** Mistakes that can be seen without evaluating: a literal of the wrong kind. */
function argumentsFit(name: string, parts: readonly Located[], findings: Findings): boolean {
  const [first, second] = parts as [Located, Located];
  const wrong = (spot: Located, expected: string): false => {
    findings.error(spot, `${name} expects ${expected} here, not ${describeNode(spot.node)}.`, USAGE[name]!);
    return false;
  };
  const isLiteral = (spot: Located): boolean => spot.node.kind !== "object";
  if (name === "Fn::FindInMap") {
    const odd = parts.find((part) => isLiteral(part) && part.node.kind !== "string");
    return odd === undefined || wrong(odd, "text");
  }
  const firstIsIndex = name === "Fn::Select" && first.node.kind === "number";
  if (isLiteral(first) && first.node.kind !== "string" && !firstIsIndex) return wrong(first, "text");
  const wanted = name === "Fn::Split" ? "string" : "array";
  if (isLiteral(second) && second.node.kind !== wanted) return wrong(second, wanted === "array" ? "a list" : "text");
  return true;
}

function readRef(argument: Located, path: string, reading: Reading): Call | undefined {
  const name = literalText(argument, reading.findings);
  if (name === undefined) return undefined;
  reading.references.push({ name, spot: argument });
  return { kind: "Ref", path, name };
}

/** `Fn::Sub: "…${Name}…"`, or a list of that text and a map of further names. */
function readSub(argument: Located, path: string, { reading, depth }: CallContext): Call | undefined {
  const [text = argument, map, ...more] = itemsOf(argument);
  if (argument.node.kind === "array" && (map === undefined || more.length > 0)) {
    return reading.findings.error(argument, "Fn::Sub takes text, or a list of text and a map.", SUB_USAGE);
  }
  const literal = literalText(text, reading.findings);
  const values = new Map<string, Expression>();
  const members = map === undefined ? new Map<string, Located>() : membersOf(map, reading.findings);
  if (literal === undefined || members === undefined) return undefined;
  for (const [key, member] of members) {
    const expression = readExpression(member, reading, depth);
    if (expression !== undefined) values.set(key, expression);
  }
  const pieces = readPieces(literal);
  for (const piece of pieces) {
    if ("name" in piece && !members.has(piece.name)) reading.references.push({ name: piece.name, spot: text });
  }
  return values.size === members.size ? { kind: "Fn::Sub", path, pieces, values } : undefined;
}

const SUB_USAGE = 'Write {"Fn::Sub": "thing-$' + '{Name}"} or {"Fn::Sub": ["…", {"Name": …}]}.';

/** `${Name}` is replaced; `${!text}` stands for `${text}`, as policy variables need it. */
function readPieces(text: string): readonly ({ readonly text: string } | { readonly name: string })[] {
  const pieces: ({ text: string } | { name: string })[] = [];
  let end = 0;
  for (const match of text.matchAll(/\$\{([^{}]*)\}/g)) {
    pieces.push({ text: text.slice(end, match.index) });
    end = match.index + match[0].length;
    const inner = (match[1] as string).trim();
    pieces.push(inner.startsWith("!") ? { text: `\${${inner.slice(1)}}` } : { name: inner });
  }
  return [...pieces, { text: text.slice(end) }];
}

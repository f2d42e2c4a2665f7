import { BlockList, isIP } from "node:net";
import { compileGlob, type Matcher, matchNothing } from "./glob.ts";
import { PatternError, type PatternRules, readPattern } from "./pattern.ts";
import { bindResource, parseResource, substitute } from "./resource.ts";
import type { PrincipalContext } from "./variables.ts";

/** Makes the test for one value of the document. */
export type Comparison = (expected: string, rules: PatternRules) => (principal: PrincipalContext) => Matcher;

/** An operator without its `ForAllValues:` prefix and `IfExists` suffix. */
export interface Operator {
  readonly family: "string" | "arn" | "bool" | "numeric" | "date" | "address";
  readonly negated: boolean;
  readonly compare: Comparison;
}

const text =
  (options: { readonly wildcards: boolean; readonly ignoreCase: boolean }): Comparison =>
  (expected, rules) => {
    const tokens = readPattern(expected, { ...rules, wildcards: options.wildcards });
    return (principal) => {
      const bound = substitute(tokens, "condition", principal);
      if (bound === undefined) return matchNothing;
      if (!options.ignoreCase) return compileGlob(bound);
      const folded = bound.map((token) =>
        token.kind === "text" ? { kind: "text" as const, text: token.text.toLowerCase() } : token,
      );
      const matches = compileGlob(folded);
      return (value) => matches(value.toLowerCase());
    };
  };

/** ARNs are compared as in resources; the only key that holds one is `iot:LastWillTopic`. */
const arn: Comparison = (expected, rules) => {
  const pattern = parseResource(expected, { ...rules, wildcards: true });
  return (principal) => bindResource(pattern, "topic", principal);
};

const bool: Comparison = (expected) => {
  const wanted = expected.toLowerCase();
  if (wanted !== "true" && wanted !== "false") throw new PatternError(`"${expected}" is not "true" or "false"`);
  return () => (value) => value.toLowerCase() === wanted;
};

const address: Comparison = (expected) => {
  const list = new BlockList();
  const [network = "", bits, ...more] = expected.split("/");
  const family = isIP(network);
  const longest = family === 4 ? 32 : 128;
  const length = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || more.length > 0 || !(length <= longest)) {
    throw new PatternError(`"${expected}" is not an address or a network such as 192.0.2.0/24`);
  }
  list.addSubnet(network, length, family === 4 ? "ipv4" : "ipv6");
  return () => (value) => {
    const kind = isIP(value);
    return kind !== 0 && list.check(value, kind === 4 ? "ipv4" : "ipv6");
  };
};

type Order = (value: number, expected: number) => boolean;

function ordered(parse: (text: string) => number, what: string, order: Order): Comparison {
  return (expected) => {
    const limit = parse(expected);
    if (Number.isNaN(limit)) throw new PatternError(`"${expected}" is not ${what}`);
    return () => (value) => order(parse(value), limit);
  };
}

function parseNumber(text: string): number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** Seconds since 1970, from that number or from ISO 8601 in UTC. */
function parseDate(text: string): number {
  const seconds = parseNumber(text);
  if (!Number.isNaN(seconds)) return seconds;
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text) / 1000
    : Number.NaN;
}

const equal: Order = (value, expected) => value === expected;
const ORDERS: readonly (readonly [string, boolean, Order])[] = [
  ["Equals", false, equal],
  ["NotEquals", true, equal],
  ["LessThan", false, (value, expected) => value < expected],
  ["LessThanEquals", false, (value, expected) => value <= expected],
  ["GreaterThan", false, (value, expected) => value > expected],
  ["GreaterThanEquals", false, (value, expected) => value >= expected],
];

const exact = text({ wildcards: false, ignoreCase: false });
const exactIgnoringCase = text({ wildcards: false, ignoreCase: true });
const like = text({ wildcards: true, ignoreCase: false });

export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["StringEquals", { family: "string", negated: false, compare: exact }],
  ["StringNotEquals", { family: "string", negated: true, compare: exact }],
  ["StringEqualsIgnoreCase", { family: "string", negated: false, compare: exactIgnoringCase }],
  ["StringNotEqualsIgnoreCase", { family: "string", negated: true, compare: exactIgnoringCase }],
  ["StringLike", { family: "string", negated: false, compare: like }],
  ["StringNotLike", { family: "string", negated: true, compare: like }],
  ["ArnEquals", { family: "arn", negated: false, compare: arn }],
  ["ArnLike", { family: "arn", negated: false, compare: arn }],
  ["ArnNotEquals", { family: "arn", negated: true, compare: arn }],
  ["ArnNotLike", { family: "arn", negated: true, compare: arn }],
  ["Bool", { family: "bool", negated: false, compare: bool }],
  ["IpAddress", { family: "address", negated: false, compare: address }],
  ["NotIpAddress", { family: "address", negated: true, compare: address }],
  ...ORDERS.flatMap(([suffix, negated, order]): [string, Operator][] => [
    [`Numeric${suffix}`, { family: "numeric", negated, compare: ordered(parseNumber, "a number", order) }],
    [
      `Date${suffix}`,
      { family: "date", negated, compare: ordered(parseDate, "a date such as 2026-01-31T00:00:00Z", order) },
    ],
  ]),
]);

// The policy language a second time, for tests: written from its description, on the raw documents, by other means than
// the real one (regular expressions, a flat table of facts, no preparation), so that both share no mistake.
import type { PrincipalContext } from "../variables.ts";

export interface RawStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface RawPolicy {
  readonly Version: string;
  readonly Statement: readonly RawStatement[];
}

export interface ReferenceRequest {
  readonly action: string;
  readonly resource: string;
  readonly connectAttributes: readonly string[];
  readonly lastWillTopic: string | undefined;
}

type Verdict = "allowed" | "explicit_deny" | "implicit_deny";
interface Facts {
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Expressions made before, or undefined where a variable has no value: building them is most of the time. */
  readonly made: Map<string, RegExp | undefined>;
}

/** The reference for one connection: decides each request from the raw documents anew. */
export function referenceFor(
  policies: readonly RawPolicy[],
  principal: PrincipalContext,
): (request: ReferenceRequest) => Verdict {
  const known = collectFacts(principal);
  return (request) => {
    const facts: Facts = {
      ...known,
      values: new Map(known.values)
        .set("iot:ConnectAttributes", request.connectAttributes)
        .set("iot:LastWillTopic", request.lastWillTopic === undefined ? [] : [request.lastWillTopic]),
    };
    const applying = policies.flatMap((policy) => policy.Statement.filter((one) => applies(one, facts, request)));
    if (applying.some((statement) => statement.Effect === "Deny")) return "explicit_deny";
    return applying.length > 0 ? "allowed" : "implicit_deny";
  };
}

function many<Item>(value: Item | readonly Item[] | undefined): readonly Item[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value as Item];
}

function applies(statement: RawStatement, facts: Facts, request: ReferenceRequest): boolean {
  const action = many(statement.Action).some((text) => like(text.toLowerCase(), request.action.toLowerCase()));
  if (!action) return false;
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    for (const [key, expected] of Object.entries(keys)) {
      if (!holds(operator, facts.values.get(key) ?? [], many(expected), facts)) return false;
    }
  }
  if (statement.Resource !== undefined) {
    return many(statement.Resource).some((text) => resourceMatches(text, request.resource, facts) === true);
  }
  const results = many(statement.NotResource).map((text) => resourceMatches(text, request.resource, facts));
  if (statement.Effect === "Allow" && results.includes(undefined)) return false;
  return !results.includes(true);
}

/** Undefined where a variable has no value. */
function resourceMatches(text: string, resource: string, facts: Facts): boolean | undefined {
  if (text === "*") return true;
  const [, service, own] = /^arn:[^:]*:([^:]*):[^:]*:[^:]*:(.*)$/s.exec(text) ?? [];
  if (service !== "iot") return false;
  const type = resource.slice(0, resource.indexOf("/"));
  const pattern = toRegExp(own as string, facts, { wildcards: true, type });
  return pattern?.test(resource);
}

function like(pattern: string, text: string): boolean {
  return toRegExp(pattern, NO_FACTS, { wildcards: true, type: "" })?.test(text) ?? false;
}

const NO_FACTS: Facts = { values: new Map(), made: new Map() };

interface Rules {
  readonly wildcards: boolean;
  readonly type: string;
}

function toRegExp(pattern: string, facts: Facts, rules: Rules): RegExp | undefined {
  const key = `${rules.wildcards} ${rules.type} ${pattern}`;
  if (!facts.made.has(key)) facts.made.set(key, makeRegExp(pattern, facts, rules));
  return facts.made.get(key);
}

function makeRegExp(pattern: string, facts: Facts, rules: Rules): RegExp | undefined {
  let source = "";
  for (const [piece, variable] of pattern.matchAll(/\$\{([^}]*)\}|./gsu)) {
    if (variable === "*" || variable === "?" || variable === "$") source += quote(variable);
    else if (variable !== undefined) {
      const value = usable(variable, facts.values.get(variable)?.[0], rules.type);
      if (value === undefined) return undefined;
      source += quote(value);
    } else if (rules.wildcards && piece === "*") source += ".*";
    else source += rules.wildcards && piece === "?" ? "." : quote(piece);
  }
  return new RegExp(`^${source}$`, "su");
}

function usable(name: string, value: string | undefined, type: string): string | undefined {
  if (value === undefined || value.length === 0) return undefined;
  const forbidden = name.startsWith("iot:Certificate.") ? ["*", "$", "+", "?", "#"] : [];
  if (name.startsWith("iot:Certificate.") && value.length > 1024) return undefined;
  if (type === "topic" || type === "topicfilter") forbidden.push("+", "#");
  return forbidden.some((character) => value.includes(character)) ? undefined : value;
}

function quote(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function holds(operator: string, values: readonly string[], expected: readonly string[], facts: Facts): boolean {
  if (operator === "Null") return expected[0] === "true" ? values.length === 0 : values.length > 0;
  const each = operator.startsWith("ForAllValues:");
  const some = operator.startsWith("ForAnyValue:");
  const bare = operator.replace("ForAllValues:", "").replace("ForAnyValue:", "");
  if (values.length === 0) return each || (!some && bare.includes("Not")) || bare.endsWith("IfExists");
  const plain = bare.replace("IfExists", "").replace("Not", "");
  const equal = (value: string): boolean => expected.some((text) => compares(plain, value, text, facts));
  const wanted = !bare.includes("Not");
  if (each) return !values.some((value) => equal(value) !== wanted);
  if (some) return values.filter((value) => equal(value) === wanted).length > 0;
  return wanted ? values.some(equal) : !values.some(equal);
}

function compares(operator: string, value: string, text: string, facts: Facts): boolean {
  switch (operator) {
    case "StringEquals":
      return toRegExp(text, facts, { wildcards: false, type: "" })?.test(value) === true;
    case "StringEqualsIgnoreCase": {
      const pattern = toRegExp(text, facts, { wildcards: false, type: "" });
      return pattern !== undefined && new RegExp(pattern.source, "sui").test(value);
    }
    case "StringLike":
      return toRegExp(text, facts, { wildcards: true, type: "" })?.test(value) === true;
    case "ArnEquals":
    case "ArnLike":
      return resourceMatches(text, `topic/${value}`, facts) === true;
    case "Bool":
      return value === text;
    case "NumericEquals":
      return Number(value) === Number(text);
    case "NumericLessThan":
      return Number(value) < Number(text);
    case "IpAddress":
      return inNetwork(value, text);
    default:
      throw new Error(`the reference does not know ${operator}`);
  }
}

function inNetwork(address: string, network: string): boolean {
  const [base = "", length = "32"] = network.split("/");
  const bits = (text: string): string =>
    text
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("");
  return bits(address).slice(0, Number(length)) === bits(base).slice(0, Number(length));
}

function collectFacts({ clientId, sourceAddress, thing, certificate }: PrincipalContext): Facts {
  const facts = new Map<string, readonly string[]>([
    ["iot:ClientId", [clientId]],
    ["aws:SourceIp", [sourceAddress]],
    ["iot:Connection.Thing.IsAttached", [thing ? "true" : "false"]],
  ]);
  if (thing !== undefined) {
    facts.set("iot:Connection.Thing.ThingName", [thing.name]);
    if (thing.typeName !== undefined) facts.set("iot:Connection.Thing.ThingTypeName", [thing.typeName]);
    for (const [key, value] of Object.entries(thing.attributes)) {
      facts.set(`iot:Connection.Thing.Attributes[${key}]`, [value]);
    }
  }
  for (const [key, values] of Object.entries(certificate?.subject.attributes ?? {})) {
    facts.set(`iot:Certificate.Subject.${key}`, values.slice(0, 1));
    facts.set(`iot:Certificate.Subject.${key}.List`, values.slice(0, 5));
    for (const index of [1, 2, 3, 4])
      facts.set(`iot:Certificate.Subject.${key}.${index}`, values.slice(index, index + 1));
  }
  if (certificate !== undefined) facts.set("iot:Certificate.SerialNumber", [certificate.serialNumber]);
  return { values: facts, made: new Map() };
}

import { type BoundToken, compileGlob, type Matcher, matchNothing } from "./glob.ts";
import { PatternError, type PatternRules, readPattern, type Token } from "./pattern.ts";
import type { PrincipalContext, Variable } from "./variables.ts";

/**
 * `arn:PARTITION:SERVICE:REGION:ACCOUNT:TYPE/NAME` or `*`. Partition, region and account take no part in matching: an
 * installation has one account, and a document written for AWS must mean the same here.
 */
export interface ResourcePattern {
  readonly text: string;
  /** Tokens of `TYPE/NAME`; undefined for another service's resource, which matches nothing of ours. */
  readonly tokens: readonly Token[] | undefined;
  readonly hasVariables: boolean;
}

const ANYTHING: readonly Token[] = [{ kind: "star" }];
/** AWS's limit for a certificate value that stands in a policy. */
const CERTIFICATE_VALUE_CHARACTERS = 1024;
const WITHOUT_VALUE: PrincipalContext = {
  clientId: "",
  sourceAddress: "",
  thing: undefined,
  certificate: undefined,
};

export function parseResource(text: string, rules: PatternRules): ResourcePattern {
  const parts = splitArn(text);
  if (parts.length < 6) return { text, tokens: anythingOf(parts), hasVariables: false };
  for (const part of parts.slice(0, 5)) {
    if (part.includes("/")) throw new PatternError(`"${part}" stands where the region or account belongs; ${SHAPE}`);
  }
  if (parts[0] !== "arn") throw new PatternError(SHAPE);
  const tokens = readPattern(parts[5] as string, rules);
  const several = tokens.find((token) => token.kind === "variable" && unfit(token.variable));
  if (several?.kind === "variable") {
    throw new PatternError(`\${${several.variable.name}} cannot stand in a resource; use it in a Condition`);
  }
  if (!namesType(tokens)) throw new PatternError(`the last part must be TYPE/NAME, such as topic/…; ${SHAPE}`);
  return {
    text,
    tokens: servesIot(parts[2] as string) ? tokens : undefined,
    hasVariables: tokens.some((token) => token.kind === "variable"),
  };
}

const SHAPE = "write arn:aws:iot:REGION:ACCOUNT:TYPE/NAME, or * for everything";

/** The matcher for names of one type, for one connection. Patterns without variables are compiled once for all. */
export function bindResource(pattern: ResourcePattern, type: string, principal: PrincipalContext): Matcher {
  if (pattern.tokens === undefined) return matchNothing;
  if (pattern.hasVariables) return compileForType(substitute(pattern.tokens, type, principal), type);
  const byType = COMPILED.get(pattern) ?? new Map<string, Matcher>();
  COMPILED.set(pattern, byType);
  let matcher = byType.get(type);
  if (matcher === undefined) {
    matcher = compileForType(substitute(pattern.tokens, type, WITHOUT_VALUE), type);
    // Types come from our own table, or from an administrator's question; the latter must not fill memory.
    if (byType.size < 8) byType.set(type, matcher);
  }
  return matcher;
}

const COMPILED = new WeakMap<ResourcePattern, Map<string, Matcher>>();

/** False where the connection lacks a value: such a pattern can match nothing. */
export function isBindable(pattern: ResourcePattern, type: string, principal: PrincipalContext): boolean {
  if (!pattern.hasVariables || pattern.tokens === undefined) return true;
  return substitute(pattern.tokens, type, principal) !== undefined;
}

/** Fills in the variables; undefined if one has no value that is safe at this place. */
export function substitute(
  tokens: readonly Token[],
  type: string,
  principal: PrincipalContext,
): readonly BoundToken[] | undefined {
  const bound: BoundToken[] = [];
  for (const token of tokens) {
    if (token.kind !== "variable") bound.push(token);
    else {
      const value = safeValue(token.variable, type, principal);
      if (value === undefined) return undefined;
      bound.push({ kind: "text", text: value });
    }
  }
  return bound;
}

/**
 * The rules of the developer guide for certificate values, and one of our own: on AWS a client id `+` turns
 * `topicfilter/x/${iot:ClientId}` into a wildcard subscription. A value with `+` or `#` never reaches a topic here, nor
 * does an empty one, which would turn `topic/${…}*` into everything.
 */
function safeValue(variable: Variable, type: string, principal: PrincipalContext): string | undefined {
  const value = variable.read(principal, {})[0];
  if (value === undefined || value === "") return undefined;
  if (variable.origin === "certificate") {
    if (value.length > CERTIFICATE_VALUE_CHARACTERS || /[*$+?#]/.test(value)) return undefined;
  }
  if ((type === "topic" || type === "topicfilter") && /[+#]/.test(value)) return undefined;
  return value;
}

function compileForType(tokens: readonly BoundToken[] | undefined, type: string): Matcher {
  if (tokens === undefined) return matchNothing;
  const prefix = `${type}/`;
  const [first, ...rest] = tokens;
  if (first?.kind === "text" && first.text.startsWith(prefix)) {
    return compileGlob([{ kind: "text", text: first.text.slice(prefix.length) }, ...rest]);
  }
  if (first?.kind === "text" && first.text.includes("/")) return matchNothing;
  if (first?.kind === "star" && rest.length === 0) return compileGlob(tokens);
  // A wildcard within the type, as in `*/name`: rare, so it may cost a joined string.
  const whole = compileGlob(tokens);
  return (name) => whole(prefix + name);
}

/** At most six parts; what follows the fifth colon is the resource, colons and all. Braces shield a variable's colon. */
function splitArn(text: string): readonly string[] {
  const parts = [];
  let from = 0;
  let depth = 0;
  for (let at = 0; at < text.length && parts.length < 5; at++) {
    if (text.startsWith("${", at)) depth++;
    else if (text[at] === "}" && depth > 0) depth--;
    else if (text[at] === ":" && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}

/** `*`, `arn:*`, `arn:aws:iot:*`: a star that ends a shortened ARN covers all that would follow. */
function anythingOf(parts: readonly string[]): readonly Token[] | undefined {
  if (parts.at(-1) !== "*" || (parts.length > 1 && parts[0] !== "arn")) throw new PatternError(SHAPE);
  return parts.length < 4 || servesIot(parts[2] as string) ? ANYTHING : undefined;
}

function servesIot(service: string): boolean {
  if (service.includes("${")) throw new PatternError(SHAPE);
  const tokens = readPattern(service, { wildcards: true, variables: false });
  return compileGlob(tokens as readonly BoundToken[])("iot");
}

function unfit(variable: Variable): boolean {
  return variable.several || variable.origin === "request";
}

function namesType(tokens: readonly Token[]): boolean {
  return tokens.some((token) => token.kind === "star" || (token.kind === "text" && token.text.includes("/")));
}

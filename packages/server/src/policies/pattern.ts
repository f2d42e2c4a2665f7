import { findVariable, similarVariable, type Variable } from "./variables.ts";

/** A piece of a pattern: text that stands for itself, `*`, `?`, or a variable that the connection fills in. */
export type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "star" }
  | { readonly kind: "one" }
  | { readonly kind: "variable"; readonly variable: Variable };

export interface PatternRules {
  /** Whether `*` and `?` mean something, or stand for themselves. */
  readonly wildcards: boolean;
  /** Policies of version 2008-10-17 know no variables. */
  readonly variables: boolean;
}

/** Why a pattern cannot be read. The caller knows its place in the document. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const ESCAPED = new Set(["*", "?", "$"]);

/** Reads `text${variable}*?` into tokens; `${*}`, `${?}` and `${$}` stand for the bare character. */
export function readPattern(text: string, rules: PatternRules): readonly Token[] {
  const tokens: Token[] = [];
  let plain = "";
  const push = (token: Token): void => {
    if (plain !== "") tokens.push({ kind: "text", text: plain });
    plain = "";
    const doubled = token.kind === "star" && tokens.at(-1)?.kind === "star";
    if (!doubled) tokens.push(token);
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (text.startsWith("${", at)) {
      const name = variableName(text, at);
      at += name.length + 2;
      if (ESCAPED.has(name)) plain += name;
      else push({ kind: "variable", variable: knownVariable(name, rules) });
    } else if (rules.wildcards && character === "*") push({ kind: "star" });
    else if (rules.wildcards && character === "?") push({ kind: "one" });
    else plain += character;
  }
  if (plain !== "") tokens.push({ kind: "text", text: plain });
  return tokens;
}

function variableName(text: string, at: number): string {
  const end = text.indexOf("}", at);
  if (end === -1) throw new PatternError(`"\${" has no closing "}"; a dollar sign before a brace is written \${$}`);
  return text.slice(at + 2, end);
}

function knownVariable(name: string, rules: PatternRules): Variable {
  if (!rules.variables) {
    throw new PatternError(`\${${name}} needs "Version": "2012-10-17"; version 2008-10-17 has no variables`);
  }
  const variable = findVariable(name);
  if (variable !== undefined) return variable;
  const similar = similarVariable(name);
  const hint = similar === undefined ? "see docs/reference/policies.md for the list" : `did you mean \${${similar}}?`;
  throw new PatternError(`\${${name}} is not a policy variable; ${hint}`);
}

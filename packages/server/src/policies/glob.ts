// Wildcards without regular expressions: a document and a topic, both chosen by others, can never make a match slow.
// Every shape below takes at most (pattern × text) steps, and the shapes that policies really use take one comparison.
import type { Token } from "./pattern.ts";

export type Matcher = (text: string) => boolean;

/** A token whose variables have been filled in. */
export type BoundToken = Exclude<Token, { kind: "variable" }>;

/** Makes the fastest matcher for the pattern. */
export function compileGlob(tokens: readonly BoundToken[]): Matcher {
  if (tokens.some((token) => token.kind === "one")) return stepwise(tokens);
  const chunks = splitAtStars(tokens);
  const [first = "", ...rest] = chunks;
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  if (rest.length > 0) return inOrder(first, rest, last);
  if (last === "" && first === "") return () => true;
  if (last === "") return (text) => text.startsWith(first);
  const least = first.length + last.length;
  return (text) => text.length >= least && text.startsWith(first) && text.endsWith(last);
}

export const matchNothing: Matcher = () => false;

/** The literal texts between the stars; one more than there are stars. */
function splitAtStars(tokens: readonly BoundToken[]): readonly string[] {
  const chunks = [""];
  for (const token of tokens) {
    if (token.kind === "star") chunks.push("");
    else if (token.kind === "text") chunks.push(`${chunks.pop()}${token.text}`);
  }
  return chunks;
}

/** Each middle chunk is taken at its earliest place: taking it later can only leave less for the others. */
function inOrder(first: string, middle: readonly string[], last: string): Matcher {
  const chunks = middle.filter((chunk) => chunk !== "");
  const least = chunks.reduce((sum, chunk) => sum + chunk.length, first.length + last.length);
  return (text) => {
    if (text.length < least || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    for (const chunk of chunks) {
      const found = text.indexOf(chunk, from);
      if (found === -1) return false;
      from = found + chunk.length;
    }
    return from <= text.length - last.length;
  };
}

const STAR = Symbol("*");
const ONE = Symbol("?");
type Step = string | typeof STAR | typeof ONE;

/** For patterns with `?`, which stands for one character (code point), not for half of an emoji. */
function stepwise(tokens: readonly BoundToken[]): Matcher {
  const steps = tokens.flatMap((token): Step[] =>
    token.kind === "text" ? [...token.text] : [token.kind === "star" ? STAR : ONE],
  );
  const least = steps.filter((step) => step !== STAR).length;
  return (text) => {
    if (text.length < least) return false;
    return matchSteps(steps, SURROGATE.test(text) ? [...text] : text);
  };
}

const SURROGATE = /[\ud800-\udfff]/;

/** Two pointers; after a mismatch only the latest star grows, since earlier ones could not help. */
function matchSteps(steps: readonly Step[], text: ArrayLike<string>): boolean {
  let step = 0;
  let at = 0;
  let starStep = -1;
  let starAt = 0;
  while (at < text.length) {
    const wanted = steps[step];
    if (wanted === STAR) {
      starStep = step++;
      starAt = at;
    } else if (wanted === ONE || (wanted !== undefined && wanted === text[at])) {
      step++;
      at++;
    } else if (starStep !== -1) {
      step = starStep + 1;
      at = ++starAt;
    } else return false;
  }
  while (steps[step] === STAR) step++;
  return step === steps.length;
}

// A strict JSON reader that remembers where everything stood, so that a finding can name line and column, and that sees
// what JSON.parse hides: a key written twice. Bounded: the caller limits the length, this file the depth.

export type JsonNode =
  | { readonly kind: "object"; readonly at: number; readonly members: readonly JsonMember[] }
  | { readonly kind: "array"; readonly at: number; readonly items: readonly JsonNode[] }
  | { readonly kind: "string"; readonly at: number; readonly value: string }
  | { readonly kind: "number"; readonly at: number; readonly value: number }
  | { readonly kind: "boolean"; readonly at: number; readonly value: boolean }
  | { readonly kind: "null"; readonly at: number };

export interface JsonMember {
  readonly key: string;
  /** Where the key stands. */
  readonly at: number;
  readonly value: JsonNode;
}

/** The text is not JSON; `at` is where it stops being so. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Twice what a policy document with functions and conditions needs inside a template. */
export const JSON_DEPTH = 32;

/** Reads one JSON value (RFC 8259) that fills the whole text. Keys may repeat; the caller judges that. */
export function readJson(text: string): JsonNode {
  const reader = new Reader(text);
  const node = reader.value(0);
  reader.end();
  return node;
}

/** Line and column, both from 1, as editors count them. */
export function positionOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: at - lineStart + 1 };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 forbids bare control characters in strings.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const LITERALS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonNode {
    if (depth >= JSON_DEPTH) throw new JsonError(this.#at, `nested deeper than ${JSON_DEPTH} levels`);
    this.#space();
    const at = this.#at;
    switch (this.#text[at]) {
      case "{":
        return this.#object(at, depth);
      case "[":
        return this.#array(at, depth);
      case '"':
        return { kind: "string", at, value: this.#string() };
      default:
        return this.#scalar(at);
    }
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw new JsonError(this.#at, "text follows the end of the JSON value");
  }

  #object(at: number, depth: number): JsonNode {
    const members: JsonMember[] = [];
    this.#list("}", () => {
      const keyAt = this.#at;
      if (this.#text[keyAt] !== '"') throw new JsonError(keyAt, "a key in double quotes is expected");
      const key = this.#string();
      this.#space();
      this.#expect(":");
      members.push({ key, at: keyAt, value: this.value(depth + 1) });
    });
    return { kind: "object", at, members };
  }

  #array(at: number, depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#list("]", () => items.push(this.value(depth + 1)));
    return { kind: "array", at, items };
  }

  /** Reads `item , item` up to `close`; the opening bracket is the next character. */
  #list(close: "}" | "]", item: () => void): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      item();
      this.#space();
      if (this.#text[this.#at] === close) break;
      this.#expect(",", close);
    }
    this.#at++;
  }

  #string(): string {
    const found = this.#take(STRING);
    if (found === undefined)
      throw new JsonError(this.#at, "the text in quotes is not closed, or holds a bare control character");
    return JSON.parse(found) as string;
  }

  #scalar(at: number): JsonNode {
    for (const [word, value] of LITERALS) {
      if (!this.#text.startsWith(word, at)) continue;
      this.#at += word.length;
      return value === null ? { kind: "null", at } : { kind: "boolean", at, value };
    }
    const found = this.#take(NUMBER);
    if (found !== undefined) return { kind: "number", at, value: Number(found) };
    if (at >= this.#text.length) throw new JsonError(at, "the text ends too early");
    throw new JsonError(at, "a JSON value is expected");
  }

  #expect(character: string, or?: string): void {
    if (this.#text[this.#at] !== character) {
      throw new JsonError(this.#at, `"${character}"${or === undefined ? "" : ` or "${or}"`} is expected`);
    }
    this.#at++;
  }

  #space(): void {
    this.#take(SPACE);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}

// Removes secrets from text and values that are about to be written down. Redaction by key alone leaks (a PEM two levels
// deep, in an error's message, in an array), so text itself is searched, wherever it stands. All passes are linear.

export const REMOVED = "[removed]";

/** Removes secrets and makes control characters visible, so that the result is one harmless line. */
export function scrub(text: string): string {
  return escapeControls(scrubSecrets(text));
}

/** Escapes what could move a terminal's cursor, start a new line or reverse the reading direction. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) => {
    return NAMED_ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** The same for a value as JSON.parse returns it: what stands under a secret's name goes, whatever it is. */
export function scrubValue(value: unknown): unknown {
  if (typeof value === "string") return scrubSecrets(value);
  if (Array.isArray(value)) return scrubArray(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      scrubSecrets(key),
      isSecret(key, inner) ? REMOVED : scrubValue(inner),
    ]),
  );
}

/** More lines than any private key has: after so many the END was lost, and what follows is something else. */
const KEY_LINES = 400;

/** For text that arrives line by line: remembers that a private key has begun and not ended. */
export function lineScrubber(): (line: string) => string {
  let linesInside = 0;
  return (line) => {
    const inside = linesInside > 0 && linesInside <= KEY_LINES;
    const end = inside ? line.indexOf(PEM_END) : 0;
    if (end === -1) {
      linesInside++;
      return REMOVED;
    }
    const rest = inside ? line.slice(afterEnd(line, end)) : line;
    linesInside = hasOpenKey(rest) ? 1 : 0;
    return (inside ? REMOVED : "") + scrubSecrets(rest);
  };
}

/** True where `scrubSecrets` might change the text; cheap, for the many lines that hold nothing. */
export function looksSecret(text: string): boolean {
  return SUSPICIOUS.test(text);
}

export function scrubSecrets(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return removePrivateKeys(text)
    .replace(QUOTED_VALUE, `$1${REMOVED}`)
    .replace(SHORT_ASSIGNMENT, `$1${REMOVED}`)
    .replace(SCHEME, `$1 ${REMOVED}`)
    .replace(LONG_TOKEN, `$1${REMOVED}`)
    .replace(SELF_TELLING, REMOVED);
}

const NAMES = "token|authorization|private[-_ ]?key|secret|passphrase|password";
const SUSPICIOUS = new RegExp(`${NAMES}|\\b(?:bearer|basic) |\\beyJ|age-secret-key`, "i");
const SECRET_NAME = /(?:token|authorization|privatekey|secret|passphrase|password)s?$/;

/** Compared without separators and case: ownership_token, X-Authorization and certificateOwnershipToken alike. */
function isSecret(key: string, value: unknown): boolean {
  if (value === null || typeof value === "boolean") return false;
  // A count of tokens is no token.
  if (typeof value === "number" && key.endsWith("s")) return false;
  return SECRET_NAME.test(key.replace(/[-_ .]/g, "").toLowerCase());
}

/** `"token":"…"` in JSON, in JSON within JSON (escaped quotes), and `token: '…'` as a debugger prints it. */
const QUOTED_VALUE = new RegExp(
  `((?:${NAMES})s?(?:\\\\{0,3}["'])?\\s{0,4}[:=]\\s{0,4}(\\\\{0,3}["'\`]))(?!\\[removed\\])(?:(?!\\2)(?:\\\\.|[^\\n\\\\])){1,16384}`,
  "gi",
);
/** `password=hunter2`: with an equals sign nobody writes prose. */
const SHORT_ASSIGNMENT = new RegExp(`((?:${NAMES})=["']?)(?!["']?\\[removed\\])[^\\s"'&,;)\\]}]+`, "gi");
const SCHEME = /\b(bearer|basic) {1,4}[A-Za-z0-9._~+/=-]{8,}/gi;
/** A long word after a secret's name, with whatever little stands between: `token 'AbC1…'`, `secret is AbC1…`. */
const WORD = "[A-Za-z0-9_+/=.~-]";
const BETWEEN = "(?:[\\s\"'`:=\\\\>({[,]|\\b(?:is|was)\\b){1,12}";
/** With a digit from 20 characters on; shorter and letters only, it is more likely the name of something. */
const LONG_TOKEN = new RegExp(`((?:${NAMES})s?${BETWEEN})(?:${WORD}{40,}|(?=${WORD}{0,39}[0-9])${WORD}{20,})`, "gi");
/** What tells by itself that it is a secret: JSON web tokens and age's secret keys. */
const SELF_TELLING = /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|AGE-SECRET-KEY-1[A-Z0-9]{20,}/g;

const KEY_LABEL = "PRIVATE KEY-----";
const PEM_BEGIN = "-----BEGIN ";
const PEM_END = "-----END ";
const LONGEST_LABEL = 64;

/** Without an END the rest of the text goes: a truncated key is still most of a key. */
function removePrivateKeys(text: string): string {
  let result = "";
  let from = 0;
  for (;;) {
    const begin = nextKey(text, from);
    if (begin === -1) return result + text.slice(from);
    result += text.slice(from, begin) + REMOVED;
    const end = text.indexOf(PEM_END, begin);
    if (end === -1) return result;
    from = afterEnd(text, end);
  }
}

function nextKey(text: string, from: number): number {
  for (let begin = text.indexOf(PEM_BEGIN, from); begin !== -1; begin = text.indexOf(PEM_BEGIN, begin + 1)) {
    if (text.slice(begin, begin + LONGEST_LABEL).includes(KEY_LABEL)) return begin;
  }
  return -1;
}

function afterEnd(text: string, end: number): number {
  const dashes = text.indexOf("-----", end + PEM_END.length);
  return dashes === -1 ? text.length : dashes + 5;
}

function hasOpenKey(text: string): boolean {
  let last = -1;
  for (let begin = nextKey(text, 0); begin !== -1; begin = nextKey(text, begin + 1)) last = begin;
  return last !== -1 && text.indexOf(PEM_END, last) === -1;
}

const NAME = /^[\w.-]{1,64}$/;

/** A PEM split into lines, or a header as name and value, is an array of strings that look harmless one by one. */
function scrubArray(values: readonly unknown[]): unknown[] {
  const line = lineScrubber();
  return values.map((value, index) => {
    if (typeof value !== "string") return scrubValue(value);
    const before = values[index - 1];
    const scrubbed = line(value);
    return typeof before === "string" && NAME.test(before) && isSecret(before, value) ? REMOVED : scrubbed;
  });
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
// C0, DEL, C1 (0x9b starts an escape sequence in some terminals), line separators, and what turns the reading direction.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

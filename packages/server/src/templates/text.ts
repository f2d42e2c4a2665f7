import { Fault } from "../kit/fault.ts";

/** Part of a text, and who wrote it. */
interface Span {
  readonly text: string;
  /** The device sent it, or it comes from its certificate: it must not gain a meaning that the template did not give. */
  readonly fromDevice: boolean;
}

/** Text that remembers which of its characters came from the device, through joining, splitting and selecting. */
export interface Text {
  readonly kind: "text";
  readonly spans: readonly Span[];
  readonly plain: string;
}

/** What an expression evaluates to. */
export type Value =
  | Text
  | { readonly kind: "scalar"; readonly value: number | boolean | null }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, Value> };

/** No single text grows beyond this, whatever functions and parameters make of it. */
export const TEXT_CHARACTERS = 65_536;

export function trusted(text: string): Text {
  return { kind: "text", spans: [{ text, fromDevice: false }], plain: text };
}

export function fromDevice(text: string): Text {
  return { kind: "text", spans: [{ text, fromDevice: true }], plain: text };
}

/** Puts texts one after another; throws RangeError beyond the limit. */
export function concatenate(texts: readonly Text[]): Text {
  let length = 0;
  for (const text of texts) length += text.plain.length;
  if (length > TEXT_CHARACTERS) throw new RangeError(`a text would have ${length} characters`);
  const spans = texts.flatMap((text) => text.spans).filter((span) => span.text !== "");
  return { kind: "text", spans, plain: texts.map((text) => text.plain).join("") };
}

/** Cuts at each delimiter, wherever it came from. */
export function split(text: Text, delimiter: string): readonly Text[] {
  const parts: Text[] = [];
  let from = 0;
  for (;;) {
    const found = text.plain.indexOf(delimiter, from);
    parts.push(slice(text, from, found === -1 ? text.plain.length : found));
    if (found === -1) return parts;
    from = found + delimiter.length;
  }
}

function slice(text: Text, from: number, to: number): Text {
  const spans: Span[] = [];
  let at = 0;
  for (const span of text.spans) {
    const part = span.text.slice(Math.max(from - at, 0), Math.max(to - at, 0));
    if (part !== "") spans.push({ text: part, fromDevice: span.fromDevice });
    at += span.text.length;
  }
  return { kind: "text", spans, plain: text.plain.slice(from, to) };
}

/** Wildcards, variables, topic levels and control characters: what changes the meaning of a policy. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here.
const UNSAFE_IN_POLICY = /[*?${}+#/\u0000-\u001f\u007f-\u009f]/;

export function isUnsafeInPolicy(text: string): boolean {
  return UNSAFE_IN_POLICY.test(text);
}

/** Refuses text on its way into a policy if the device put an unsafe character into it. */
export function checkSafeInPolicy(text: Text, path: string): void {
  for (const span of text.spans) {
    if (!span.fromDevice || !isUnsafeInPolicy(span.text)) continue;
    const found = `a device-supplied value that reaches a policy holds a character of * ? $ { } + # / or a control character`;
    throw new Fault("parameter_invalid", `${path}: ${found}.`);
  }
}

export function hasDeviceText(text: Text): boolean {
  return text.spans.some((span) => span.fromDevice);
}

import { PkiError, type PkiErrorCode } from "../pki-error.ts";
import { TAG } from "./tags.ts";

/** What is being read, for the refusal: which code, and the words that begin the sentence ("The CSR"). */
export interface DerContext {
  readonly code: PkiErrorCode;
  readonly what: string;
}

/** One element's place in the reader's bytes. Nothing is copied. */
export interface DerValue {
  readonly tag: number;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/** Deeper than any X.509 structure needs, shallow enough that hostile nesting ends at once. */
const MAX_DEPTH = 32;

/**
 * A strict, zero-copy DER cursor: definite, minimal lengths (X.690 §10.1), low tag numbers, bounded depth, and every
 * fault a PkiError that says where. A reader covers exactly one element's content; `finish` refuses what is left over.
 */
export class DerReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly context: DerContext;
  readonly depth: number;
  position: number;

  constructor(bytes: Uint8Array, context: DerContext, start = 0, end: number = bytes.length, depth = 0) {
    this.bytes = bytes;
    this.context = context;
    this.position = start;
    this.end = end;
    this.depth = depth;
    if (depth > MAX_DEPTH) this.fail("is nested too deeply");
  }

  get more(): boolean {
    return this.position < this.end;
  }

  /** The next element's tag, or 0 at the end. */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position]! : 0;
  }

  next(): DerValue {
    const { bytes, position: start, end } = this;
    if (start + 2 > end) this.fail("ends in the middle of an element");
    const tag = bytes[start]!;
    if (tag === 0 || (tag & 0x1f) === 0x1f) this.fail("has a tag that no X.509 structure uses");
    let length = bytes[start + 1]!;
    let contentStart = start + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      length = this.#longLength(contentStart, count);
      contentStart += count;
    }
    if (length > end - contentStart) this.fail("has an element that is longer than its container");
    this.position = contentStart + length;
    return { tag, start, contentStart, end: this.position };
  }

  /** The next element, which must have this tag. */
  read(tag: number, name: string): DerValue {
    if (this.peek() !== tag) this.fail(`lacks ${name}, or has it with another type`);
    return this.next();
  }

  /** A reader over the content of the next element, which must have this tag. */
  enter(tag: number, name: string): DerReader {
    return this.into(this.read(tag, name));
  }

  into(value: DerValue): DerReader {
    return new DerReader(this.bytes, this.context, value.contentStart, value.end, this.depth + 1);
  }

  /** Refuses bytes after the last expected element. */
  finish(name: string): void {
    if (this.position !== this.end) this.fail(`has unexpected bytes after ${name}`);
  }

  /** The element with its header. */
  whole(value: DerValue): Uint8Array {
    return this.bytes.subarray(value.start, value.end);
  }

  content(value: DerValue): Uint8Array {
    return this.bytes.subarray(value.contentStart, value.end);
  }

  fail(problem: string): never {
    throw new PkiError(this.context.code, `${this.context.what} ${problem} (at byte ${this.position}).`);
  }

  #longLength(start: number, count: number): number {
    // 0x80 is the indefinite form, which DER forbids; four octets are far beyond every size limit here.
    if (count === 0 || count > 4) this.fail("has an indefinite or oversized length");
    if (start + count > this.end) this.fail("ends in the middle of a length");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.bytes[start + i]!;
    const minimal = count === 1 ? length >= 0x80 : length >= 256 ** (count - 1);
    if (!minimal) this.fail("has a length that is not minimal (not DER)");
    return length;
  }
}

/** Opens `bytes` as exactly one element of this tag, refusing trailing bytes and more than `maxBytes`. */
export function openDer(bytes: Uint8Array, tag: number, context: DerContext, maxBytes: number): DerReader {
  if (bytes.length > maxBytes) {
    throw new PkiError(context.code, `${context.what} has ${bytes.length} bytes; at most ${maxBytes} are accepted.`);
  }
  const outer = new DerReader(bytes, context);
  const inner = outer.enter(tag, "its outer structure");
  outer.finish("its outer structure");
  return inner;
}

/** Checks that everything left in the reader is well-formed, for parts whose meaning is ignored. */
export function checkWellFormed(reader: DerReader): void {
  while (reader.more) {
    const value = reader.next();
    if ((value.tag & 0x20) !== 0) checkWellFormed(reader.into(value));
  }
}

/** Reads an INTEGER that must be minimal; the content octets are returned as they stand. */
export function readInteger(reader: DerReader, name: string): Uint8Array {
  const value = reader.read(TAG.integer, name);
  const content = reader.content(value);
  if (content.length === 0) reader.fail(`has an empty ${name}`);
  const first = content[0]!;
  if (content.length > 1 && ((first === 0 && content[1]! < 0x80) || (first === 0xff && content[1]! >= 0x80))) {
    reader.fail(`has ${name} with needless leading octets (not DER)`);
  }
  return content;
}

/** Reads an INTEGER from 0 to 127, which versions and path lengths are. */
export function readSmallInteger(reader: DerReader, name: string): number {
  const content = readInteger(reader, name);
  if (content.length !== 1 || content[0]! > 0x7f) reader.fail(`has ${name} outside 0 to 127`);
  return content[0]!;
}

/** Reads a BIT STRING without unused bits, as keys and signatures are. */
export function readOctetAlignedBits(reader: DerReader, name: string): Uint8Array {
  const content = reader.content(reader.read(TAG.bitString, name));
  if (content.length < 1 || content[0] !== 0) reader.fail(`has ${name} with unused bits`);
  return content.subarray(1);
}

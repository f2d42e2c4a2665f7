import { asBuffer } from "../bytes.ts";
import { TAG } from "./tags.ts";

/** One element: tag, minimal length, and the parts one after another. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = Buffer.allocUnsafe(1 + lengthOctets(length) + length);
  let at = writeHeader(out, 0, tag, length);
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** How many octets the length field itself takes. */
export function lengthOctets(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x100) return 2;
  return length < 0x10000 ? 3 : 4;
}

/** Writes tag and minimal length; returns where the content begins. */
export function writeHeader(out: Uint8Array, at: number, tag: number, length: number): number {
  out[at] = tag;
  const octets = lengthOctets(length);
  if (octets === 1) {
    out[at + 1] = length;
    return at + 2;
  }
  out[at + 1] = 0x80 | (octets - 1);
  for (let i = octets - 1, rest = length; i >= 1; i--, rest >>>= 8) out[at + 1 + i] = rest & 0xff;
  return at + 1 + octets;
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(TAG.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Uint8Array => der(TAG.set, ...parts);
export const octetString = (content: Uint8Array): Uint8Array => der(TAG.octetString, content);
export const explicit = (n: number, ...parts: readonly Uint8Array[]): Uint8Array => der(0xa0 | n, ...parts);
export const derNull: Uint8Array = der(TAG.null);
export const derTrue: Uint8Array = der(TAG.boolean, Uint8Array.of(0xff));

/** A BIT STRING of whole octets. */
export function bitString(content: Uint8Array): Uint8Array {
  return der(TAG.bitString, Uint8Array.of(0), content);
}

/** A non-negative INTEGER from big-endian octets, made minimal. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.subarray(start);
  if (digits.length === 0) return der(TAG.integer, Uint8Array.of(0));
  return digits[0]! < 0x80 ? der(TAG.integer, digits) : der(TAG.integer, Uint8Array.of(0), digits);
}

export function smallInteger(value: number): Uint8Array {
  return der(TAG.integer, Uint8Array.of(value));
}

/** A named bit list without trailing zero bits (X.690 §11.2.2); bit 0 is the most significant. */
export function namedBits(bits: readonly number[]): Uint8Array {
  const last = Math.max(...bits);
  const octets = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) octets[bit >> 3]! |= 0x80 >> (bit & 7);
  return der(TAG.bitString, Uint8Array.of(7 - (last & 7)), octets);
}

export function textString(tag: number, value: string): Uint8Array {
  return der(tag, asBuffer(Buffer.from(value, "utf8")));
}

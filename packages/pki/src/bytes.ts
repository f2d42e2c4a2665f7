/** Randomness as a port, so that a test can replay a run. */
export interface RandomSource {
  bytes(length: number): Uint8Array;
}

/** True where both hold the same bytes. Not constant-time: for public data only. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && startsWith(a, b);
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

export function hex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("hex");
}

/** A Buffer over the same memory, for the encodings that Uint8Array lacks. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

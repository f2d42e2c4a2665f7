import { randomBytes } from "node:crypto";

/** Unpredictable bytes as a port, so that a test can replay a run. */
export interface Random {
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

/** A number from 0 up to, but not including, 1. */
export function fraction(random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32BE() / 2 ** 32;
}

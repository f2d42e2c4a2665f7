import { randomBytes } from "node:crypto";

/** Unpredictable bytes as a port, so that a test can replay a run. */
export interface Random {
  bytes(length: number): Uint8Array;
}

const POOL_BYTES = 4096;

/** The operating system's generator, read in blocks because a call costs more than the bytes. */
export function systemRandom(): Random {
  let pool = Buffer.alloc(0);
  return {
    bytes(length) {
      if (length > POOL_BYTES) return randomBytes(length);
      if (pool.length < length) pool = randomBytes(POOL_BYTES);
      const taken = Buffer.from(pool.subarray(0, length));
      // What was handed out leaves the pool, in memory too.
      pool.fill(0, 0, length);
      pool = pool.subarray(length);
      return taken;
    },
  };
}

/** A readable id that sorts by time: 9 characters of milliseconds, 13 of chance, base 32 (Crockford). */
export function newId(prefix: string, nowMs: number, random: Random): string {
  let time = "";
  for (let rest = nowMs, i = 0; i < 9; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time;
  let chance = "";
  for (const byte of random.bytes(13)) chance += ALPHABET[byte & 31];
  return `${prefix}-${time}${chance}`;
}

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

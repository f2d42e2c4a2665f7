import type { Clock } from "../kit/clock.ts";
import { LIMITS } from "../kit/limits.ts";

/** Ends ownership tokens by the clock that never jumps: one set back must not let a token live longer. */
export interface TokenDeadlines {
  begin(tokenHash: string): void;
  hasPassed(tokenHash: string): boolean;
}

const TTL_MS = LIMITS.ownershipTokenSeconds * 1000;
/** Tokens remembered, some 150 bytes each; beyond them the wall clock alone decides, as it does after a restart. */
const REMEMBERED = 20_000;

export function createTokenDeadlines(clock: Clock): TokenDeadlines {
  /** By hash, in the order in which they end. One that has passed stays: a clock set back might let it live again. */
  const deadlines = new Map<string, number>();
  return {
    begin(tokenHash) {
      for (const oldest of deadlines.keys()) {
        if (deadlines.size < REMEMBERED) break;
        deadlines.delete(oldest);
      }
      deadlines.set(tokenHash, clock.monotonicMs() + TTL_MS);
    },
    hasPassed: (tokenHash) => clock.monotonicMs() >= (deadlines.get(tokenHash) ?? Number.POSITIVE_INFINITY),
  };
}

import { AgentFault } from "../agent-fault.ts";
import { pause } from "../system/clock.ts";
import { fraction } from "../system/random.ts";
import type { System } from "../system/system.ts";

export interface RetryOptions {
  /** No new try begins after this long. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly onWait: (fault: AgentFault, delayMs: number) => void;
}

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;

/** Repeats what failed for a reason that time mends; every other fault, and the last one at the deadline, is thrown. */
export async function retry<Result>(
  { clock, random }: Pick<System, "clock" | "random">,
  options: RetryOptions,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const deadlineMs = clock.monotonicMs() + options.withinMs;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof AgentFault) || error.kind !== "temporary") throw error;
      const delayMs = backOff(failures, fraction(random));
      if (options.signal.aborted || clock.monotonicMs() + delayMs > deadlineMs) throw error;
      options.onWait(error, delayMs);
      await pause(clock, delayMs, options.signal);
      if (options.signal.aborted) throw error;
    }
  }
}

/** Exponential, with full jitter: a fleet that lost its server does not come back as one. */
export function backOff(failures: number, chance: number, longestMs: number = LONGEST_DELAY_MS): number {
  return Math.round(chance * Math.min(longestMs, FIRST_DELAY_MS * 2 ** Math.min(failures + 1, 30)));
}

import type { Clock } from "../kit/clock.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";

/** How long a handler that keeps ending by itself is left alone: longer each time, until it answers. */
export class RestartDelay {
  readonly #clock: Clock;
  #failures = 0;
  #notBeforeMs = 0;
  #lastReason = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get lastReason(): string {
    return this.#lastReason;
  }

  waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#clock.monotonicMs());
  }

  succeeded(): void {
    this.#failures = 0;
    this.#notBeforeMs = 0;
  }

  /** A process that was ready may have ended by a mishap: the first time it is replaced at once. */
  failed(reason: string, wasReady: boolean): void {
    this.#lastReason = reason;
    this.#failures++;
    const doublings = this.#failures - (wasReady ? 2 : 1);
    if (doublings < 0) return;
    const delayMs = Math.min(
      HOOK_LIMITS.restartDelayMs * 2 ** Math.min(doublings, 16),
      HOOK_LIMITS.longestRestartDelayMs,
    );
    this.#notBeforeMs = this.#clock.monotonicMs() + delayMs;
  }
}

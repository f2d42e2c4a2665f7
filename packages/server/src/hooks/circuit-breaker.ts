import type { Clock } from "../kit/clock.ts";

export interface BreakerSettings {
  /** Failures in a row after which nobody is asked for a while. */
  readonly failures: number;
  readonly pauseMs: number;
}

/** Spares a dead partner, and those who would wait for it. Three numbers of state, whatever happens. */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #settings: BreakerSettings;
  #failures = 0;
  #openUntilMs = 0;
  #lastReason = "";

  constructor(clock: Clock, settings: BreakerSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Why nobody should be asked now, or undefined. After a pause one is let through; it decides about the next. */
  refusal(): string | undefined {
    if (this.#failures < this.#settings.failures) return undefined;
    const waitMs = this.#openUntilMs - this.#clock.monotonicMs();
    if (waitMs <= 0) {
      this.#openUntilMs = this.#clock.monotonicMs() + this.#settings.pauseMs;
      return undefined;
    }
    return `it failed ${this.#failures} times in a row and is left alone for ${Math.ceil(waitMs / 1000)} s more; last: ${this.#lastReason}`;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(reason: string): void {
    this.#failures = Math.min(this.#failures + 1, Number.MAX_SAFE_INTEGER);
    this.#lastReason = reason;
    if (this.#failures >= this.#settings.failures) {
      this.#openUntilMs = this.#clock.monotonicMs() + this.#settings.pauseMs;
    }
  }
}

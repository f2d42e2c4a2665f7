import type { Clock } from "../src/system/clock.ts";

/** A clock that stands still until a test moves it. A wait of nothing takes one turn of the loop. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #startMs: number;
  readonly #timers = new Set<{ dueMs: number; action: () => void }>();

  constructor(startMs: number = Date.now()) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, action: () => void): () => void {
    if (delayMs <= 0) {
      const immediate = setImmediate(action);
      return () => clearImmediate(immediate);
    }
    const timer = { dueMs: this.#elapsedMs + delayMs, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Runs the timers that fall due, in order. */
  advance(byMs: number): void {
    const targetMs = this.#elapsedMs + byMs;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.dueMs <= targetMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#elapsedMs = due.dueMs;
      due.action();
    }
    this.#elapsedMs = targetMs;
  }
}

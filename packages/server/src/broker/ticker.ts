// One timer for all connections. A timer object for each would cost more memory than the rest of an idle connection,
// and a loop over twenty thousand deadlines takes less than a millisecond.
import type { Clock } from "../kit/clock.ts";

/** How often deadlines are looked at; the finest limit that hangs on it is "within a second". */
export const TICK_MS = 250;

export class Ticker {
  readonly #clock: Clock;
  readonly #tasks: (() => void)[] = [];
  #cancel: (() => void) | undefined;
  /** Monotonic milliseconds at the last tick: exact enough for keep-alive, and free to read. */
  nowMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.nowMs = clock.monotonicMs();
  }

  each(task: () => void): void {
    this.#tasks.push(task);
  }

  start(): void {
    this.#cancel ??= this.#clock.after(TICK_MS, this.#tick);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #tick = (): void => {
    this.nowMs = this.#clock.monotonicMs();
    this.#cancel = this.#clock.after(TICK_MS, this.#tick);
    for (const task of this.#tasks) task();
  };
}

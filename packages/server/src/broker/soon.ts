import type { Clock } from "../kit/clock.ts";
import type { LazyFlush, Wire } from "./wire.ts";

/** Long enough for an answer from the store to join an acknowledgement, too short to be noticed. */
const SOON_MS = 10;

/** One timer for everything that may wait a moment: acknowledgements that share a write, deletions that share a commit. */
export class Soon implements LazyFlush {
  readonly #clock: Clock;
  #wires: Wire[] = [];
  #tasks: (() => void)[] = [];
  #armed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(wire: Wire): void {
    this.#wires.push(wire);
    this.#arm();
  }

  run(task: () => void): void {
    this.#tasks.push(task);
    this.#arm();
  }

  readonly flush = (): void => {
    this.#armed = false;
    const wires = this.#wires;
    const tasks = this.#tasks;
    this.#wires = [];
    this.#tasks = [];
    for (const wire of wires) wire.flush();
    for (const task of tasks) task();
  };

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#clock.after(SOON_MS, this.flush);
  }
}

import type { Log } from "../kit/log.ts";

/** Writes that nobody waits for until the broker closes: a failure is logged, and closing waits for the last of them. */
export class Background {
  readonly #log: Log;
  readonly #pending = new Set<Promise<void>>();

  constructor(log: Log) {
    this.#log = log;
  }

  run(write: Promise<unknown>): void {
    const pending: Promise<void> = write.then(nothing, this.failed).finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  readonly failed = (error: unknown): void => {
    this.#log.error("sessions or retained messages cannot be stored", { error });
  };

  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}

function nothing(): void {}

import { FlowWindow } from "../session/flow-window.ts";

interface Waiter {
  readonly enter: () => void;
  readonly reject: (error: Error) => void;
}

/** Holds QoS 1 messages back while the server's receive window is full [MQTT-3.3.4-9], in order and not without end. */
export class PublishGate {
  readonly #window: FlowWindow;
  readonly #limit: number;
  #waiters: Waiter[] = [];
  #closed: Error | undefined;

  constructor(receiveMaximum: number | undefined, waitingLimit: number) {
    this.#window = new FlowWindow(receiveMaximum);
    this.#limit = waitingLimit;
  }

  enter(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#window.take()) return Promise.resolve();
    if (this.#waiters.length >= this.#limit) {
      const message = `${this.#limit} messages wait for the server's acknowledgement; await publish() before the next`;
      return Promise.reject(new RangeError(message));
    }
    return new Promise((resolve, reject) => this.#waiters.push({ enter: resolve, reject }));
  }

  /** The place goes to the one who has waited longest. */
  leave(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#window.free();
    else next.enter();
  }

  close(error: Error): void {
    this.#closed = error;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}

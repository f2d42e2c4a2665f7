import { FlowWindow } from "../session/flow-window.ts";

/** Holds QoS 1 messages back while the server's receive window is full [MQTT-3.3.4-9], in order and not without end. */
export class PublishGate {
  readonly #window: FlowWindow;
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];

  constructor(receiveMaximum: number | undefined, waitingLimit: number) {
    this.#window = new FlowWindow(receiveMaximum);
    this.#limit = waitingLimit;
  }

  enter(): Promise<void> {
    if (this.#window.take()) return Promise.resolve();
    if (this.#waiting.length >= this.#limit) {
      const message = `${this.#limit} messages wait for the server's acknowledgement; await publish() before the next`;
      return Promise.reject(new RangeError(message));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to the one who has waited longest; also after the end, when each finds so and leaves in turn. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#window.free();
    else next();
  }
}

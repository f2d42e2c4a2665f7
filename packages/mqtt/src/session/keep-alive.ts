/** The server waits one and a half times the keep-alive for the next packet, then closes [MQTT-3.1.2-22]. */
export class KeepAlive {
  readonly #graceMs: number | undefined;
  #heardMs: number;

  /** 0 seconds switch it off. */
  constructor(seconds: number, nowMs: number) {
    this.#graceMs = seconds === 0 ? undefined : seconds * 1500;
    this.#heardMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  /** When the peer will have been silent for too long; undefined where it may be silent for ever. */
  get deadlineMs(): number | undefined {
    return this.#graceMs === undefined ? undefined : this.#heardMs + this.#graceMs;
  }

  expired(nowMs: number): boolean {
    return this.deadlineMs !== undefined && nowMs >= this.deadlineMs;
  }
}

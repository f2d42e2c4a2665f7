import { PAUSE, type Wire } from "./wire.ts";

/** So many seconds' worth in one read is a flood, not a burst: TLS hands over 16 KiB at a time. */
const HOPELESS_SECONDS = 4;

/** Publishes and subscriptions per second of one connection. Over the limit nothing is lost: the server just reads no faster. */
export class PublishRate {
  readonly #perSecond: number;
  #count = 0;
  #windowMs = 0;
  #throttled = false;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Counts so many; false where the client sends so fast that slowing it down is no answer. */
  count(messages: number, nowMs: number, wire: Wire): boolean {
    this.#roll(nowMs);
    this.#count += messages;
    if (this.#count <= this.#perSecond) return true;
    if (!this.#throttled) {
      this.#throttled = true;
      wire.pause(PAUSE.rate);
    }
    return this.#count <= this.#perSecond * HOPELESS_SECONDS;
  }

  tick(nowMs: number, wire: Wire): void {
    if (!this.#throttled) return;
    this.#roll(nowMs);
    if (this.#count >= this.#perSecond) return;
    this.#throttled = false;
    wire.resume(PAUSE.rate);
  }

  /** What was over the limit is carried into the next second. */
  #roll(nowMs: number): void {
    const seconds = Math.floor((nowMs - this.#windowMs) / 1000);
    if (seconds <= 0) return;
    this.#windowMs += seconds * 1000;
    this.#count = Math.max(0, this.#count - seconds * this.#perSecond);
  }
}

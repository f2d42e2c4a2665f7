import type { Clock } from "../system/clock.ts";

/**
 * No agent of this version ran before this moment. It is moved forward with each release, and is the floor of a device
 * that has no better knowledge.
 */
export const RELEASED_MS = Date.UTC(2026, 0, 1);

/**
 * A lower bound of the true time. A device without a battery-backed clock wakes up in 1970, and everything it checks
 * would be "not yet valid". What it knows for certain is that time does not run backwards: the moments it has seen
 * proved (this release, the notBefore of certificates its CA signed, the last time it stored) have passed.
 */
export class TrustedTime {
  readonly #clock: Clock;
  #floorMs: number;
  #floorSetAtMs: number;

  constructor(clock: Clock, floorMs: number = RELEASED_MS) {
    this.#clock = clock;
    this.#floorMs = Math.max(floorMs, RELEASED_MS);
    this.#floorSetAtMs = clock.monotonicMs();
  }

  /** The wall clock, or the floor plus what has passed since it was set where the clock is behind that. */
  now(): number {
    return Math.max(this.#clock.now(), this.floorMs());
  }

  floorMs(): number {
    return this.#floorMs + Math.max(0, Math.floor(this.#clock.monotonicMs() - this.#floorSetAtMs));
  }

  /** The latest moment that something signed has proved; worth storing, where the clock's own opinion is not. */
  provedMs(): number {
    return this.#floorMs;
  }

  /** True where the wall clock is certainly wrong. */
  clockIsBehind(): boolean {
    return this.#clock.now() < this.floorMs();
  }

  /** Takes note of a moment that is proved to have passed. */
  raise(momentMs: number): void {
    if (momentMs <= this.floorMs()) return;
    this.#floorMs = momentMs;
    this.#floorSetAtMs = this.#clock.monotonicMs();
  }
}

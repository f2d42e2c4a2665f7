import type { Will } from "@fleetmint/mqtt";
import type { Clock } from "../kit/clock.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import { messageOfWill } from "./message.ts";
import type { Admission, Admitted, ConnectRequest, Message } from "./ports.ts";

/** A will and on whose behalf it speaks. */
export interface Testament {
  readonly will: Will;
  readonly request: ConnectRequest;
  readonly admitted: Admitted;
}

export interface WillsPorts {
  readonly clock: Clock;
  readonly admission: Admission;
  readonly publish: (message: Message) => void;
}

interface Delayed {
  readonly testament: Testament;
  readonly dueMs: number;
}

/** Wills of connections that ended without a goodbye; MQTT 5 lets them wait for the client to come back. */
export class Wills {
  readonly #ports: WillsPorts;
  readonly #limits: BrokerLimits;
  /** By session name: a client that comes back to its session takes its will back [MQTT-3.1.3-9]. */
  readonly #delayed = new Map<string, Delayed>();

  constructor(ports: WillsPorts, limits: BrokerLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  /** At the end of a connection. The will waits no longer than its session lives (MQTT 5 §3.1.2.5). */
  leave(name: string, testament: Testament, sessionSeconds: number): void {
    const seconds = Math.min(testament.will.delayInterval, sessionSeconds);
    if (seconds === 0 || this.#delayed.size >= this.#limits.delayedWills) {
      this.#publish(testament, testament.admitted);
      return;
    }
    this.#delayed.set(name, { testament, dueMs: this.#ports.clock.monotonicMs() + seconds * 1000 });
  }

  /** The session goes on: its will is not spoken. */
  cancel(name: string): void {
    this.#delayed.delete(name);
  }

  /** The session has ended: its will must wait no longer. */
  hasten(name: string): void {
    const delayed = this.#delayed.get(name);
    if (delayed === undefined) return;
    this.#delayed.delete(name);
    void this.#judgeAnew(delayed.testament);
  }

  tick(): void {
    if (this.#delayed.size === 0) return;
    const now = this.#ports.clock.monotonicMs();
    for (const [name, { dueMs }] of this.#delayed) if (now >= dueMs) this.hasten(name);
  }

  /** A device may have been revoked or quarantined since it left, and then its will is not published either. */
  async #judgeAnew(testament: Testament): Promise<void> {
    try {
      this.#publish(testament, await this.#ports.admission.readmit(testament.request, testament.admitted));
    } catch {
      // Refused, and the refusal was recorded where it was decided.
    }
  }

  #publish({ will }: Testament, { authorizer }: Admitted): void {
    if (!authorizer.publish(will.topic, will.retain)) return;
    this.#ports.publish(messageOfWill(will, this.#ports.clock.now()));
  }
}

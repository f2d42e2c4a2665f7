import type { Packet } from "@fleetmint/mqtt";
import { PAUSE, type Wire } from "./wire.ts";

interface Pending {
  packet: Packet | undefined;
}

/** PUBACKs leave in the order of their PUBLISHes [MQTT-4.6.0-2], though the store may settle them at different times. */
export class Acknowledgements {
  readonly #wire: Wire;
  readonly #limit: number;
  #pending: Pending[] = [];

  constructor(wire: Wire, limit: number) {
    this.#wire = wire;
    this.#limit = limit;
  }

  /** Messages taken and not acknowledged: what the Receive Maximum counts. */
  get size(): number {
    return this.#pending.length;
  }

  /** Keeps a place; the returned function fills it, and what is complete from the front on is sent. */
  reserve(): (packet: Packet) => void {
    const place: Pending = { packet: undefined };
    this.#pending.push(place);
    if (this.#pending.length >= this.#limit) this.#wire.pause(PAUSE.waiting);
    return (packet) => {
      place.packet = packet;
      this.#sendComplete();
    };
  }

  /** Sends at once if nothing is before it. */
  send(packet: Packet): void {
    if (this.#pending.length === 0) this.#wire.send(packet);
    else this.reserve()(packet);
  }

  #sendComplete(): void {
    let complete = 0;
    for (const { packet } of this.#pending) {
      if (packet === undefined) break;
      complete++;
      this.#wire.send(packet);
    }
    this.#pending = this.#pending.slice(complete);
    if (this.#pending.length < this.#limit) this.#wire.resume(PAUSE.waiting);
  }
}

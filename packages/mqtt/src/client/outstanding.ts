import type { PubackPacket, SubackPacket, UnsubackPacket } from "../packets.ts";
import { protocolError } from "../protocol-error.ts";
import { PacketIds } from "../session/packet-ids.ts";

export type Answer = PubackPacket | SubackPacket | UnsubackPacket;

interface Wait {
  readonly type: Answer["type"];
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** Requests on their way, by packet identifier, each until its answer or the end of the connection. */
export class Outstanding {
  readonly #ids = new PacketIds();
  readonly #waits = new Map<number, Wait>();

  get size(): number {
    return this.#waits.size;
  }

  /** Sends what `send` makes of a fresh packet identifier and waits for the answer to it. */
  ask<T extends Answer>(type: T["type"], send: (packetId: number) => void): Promise<T> {
    const id = this.#ids.allocate();
    if (id === undefined) {
      return Promise.reject(new RangeError("65,535 requests are waiting for an answer; wait for some of them first"));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waits.set(id, { type, resolve, reject });
      try {
        send(id);
      } catch (error) {
        this.#forget(id);
        reject(error);
      }
    });
  }

  answer(packet: Answer): void {
    const wait = this.#waits.get(packet.packetId);
    if (wait === undefined || wait.type !== packet.type) {
      throw protocolError("§2.2.1", `${packet.type} for packet identifier ${packet.packetId}, which nothing waits for`);
    }
    this.#forget(packet.packetId);
    wait.resolve(packet as never);
  }

  rejectAll(error: Error): void {
    const waits = [...this.#waits.values()];
    this.#waits.clear();
    for (const wait of waits) wait.reject(error);
  }

  #forget(id: number): void {
    this.#waits.delete(id);
    this.#ids.release(id);
  }
}

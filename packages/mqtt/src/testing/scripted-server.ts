import type { Duplex } from "node:stream";
import { encodePacket } from "../encode-packet.ts";
import { PacketReader } from "../packet-reader.ts";
import type { Packet, ProtocolVersion } from "../packets.ts";
import { ROOMY } from "./primed-reader.ts";

/** The other end of a client under test: hands over each packet it is sent, sends what it is told. */
export class ScriptedServer {
  readonly stream: Duplex;
  readonly version: ProtocolVersion;
  readonly #reader = new PacketReader("server", ROOMY);
  readonly #arrived: Packet[] = [];
  #waiting: ((packet: Packet) => void) | undefined;

  constructor(stream: Duplex, version: ProtocolVersion = 5) {
    this.stream = stream;
    this.version = version;
    stream.on("data", (chunk: Uint8Array) => this.#reader.push(chunk, (packet) => this.#take(packet)));
    stream.on("end", () => stream.end());
    stream.on("error", () => {});
  }

  /** Packets that came and were not asked for yet. */
  get arrived(): number {
    return this.#arrived.length;
  }

  send(packet: Packet): void {
    this.stream.write(encodePacket(packet, this.version));
  }

  /** The next packet, of the type that the test says must come now. */
  async next<T extends Packet["type"]>(type: T): Promise<Extract<Packet, { type: T }>> {
    const packet = this.#arrived.shift() ?? (await new Promise<Packet>((resolve) => (this.#waiting = resolve)));
    if (packet.type !== type) throw new Error(`expected ${type}, got ${packet.type}`);
    return packet as Extract<Packet, { type: T }>;
  }

  #take(packet: Packet): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#arrived.push(packet);
    else waiting(packet);
  }
}

/** Timers that fire when a test says so. */
export class HandTimers {
  readonly #timers = new Set<{ readonly delayMs: number; readonly action: () => void }>();

  readonly after = (delayMs: number, action: () => void): (() => void) => {
    const timer = { delayMs, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  get delays(): number[] {
    return [...this.#timers].map(({ delayMs }) => delayMs);
  }

  /** Fires every timer with this delay. */
  fire(delayMs: number): void {
    for (const timer of [...this.#timers].filter((one) => one.delayMs === delayMs)) {
      this.#timers.delete(timer);
      timer.action();
    }
  }
}

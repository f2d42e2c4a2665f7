// One socket with MQTT packets on it: bytes in, packets out to its owner; whole packets back, one write each. It knows
// how much may wait and when to stop reading, and nothing of what the packets mean.
import type { Duplex } from "node:stream";
import { encodePacket, MqttProtocolError, type Packet, PacketReader, UnsupportedVersionError } from "@fleetmint/mqtt";
import type { BrokerLimits } from "./broker-limits.ts";

export interface WireOwner {
  onPacket(packet: Packet): void;
  /** The peer broke the specification; nothing more is read. */
  onProtocolError(error: MqttProtocolError): void;
  /** Bytes arrived: the client lives. False for bytes that are not wanted. */
  onActivity(bytes: number): boolean;
  /** What was waiting in the socket has left; more may be sent. */
  onDrain(): void;
  /** The socket is gone. Called once. */
  onGone(): void;
}

/** Reading stops while any of these holds. */
export const PAUSE = { congested: 1, rate: 2, waiting: 4, requests: 8 } as const;

/** Sockets with something put off; flushed together a moment later. */
export interface LazyFlush {
  add(wire: Wire): void;
}

const kWire = Symbol("wire");
type WiredSocket = Duplex & { [kWire]?: Wire };

export class Wire {
  readonly socket: Duplex;
  readonly reader: PacketReader;
  readonly #owner: WireOwner;
  readonly #lazy: LazyFlush;
  readonly #bufferLimit: number;
  #paused = 0;
  #ending = false;
  #gone = false;
  #soon: Uint8Array[] | undefined;

  constructor(socket: Duplex, owner: WireOwner, environment: { limits: BrokerLimits; lazy: LazyFlush }) {
    const { limits, lazy } = environment;
    this.socket = socket;
    this.#owner = owner;
    this.#lazy = lazy;
    // Not below the socket's own mark: "drain", which ends the congestion, only comes after that was passed.
    this.#bufferLimit = Math.max(limits.outgoingBufferBytes, socket.writableHighWaterMark);
    this.reader = new PacketReader("server", {
      packetBytes: limits.connectPacketBytes,
      userProperties: limits.userProperties,
      filtersPerPacket: limits.filtersPerPacket,
    });
    (socket as WiredSocket)[kWire] = this;
    // The same functions for every socket: closures for each would be most of an idle connection's memory.
    socket.on("data", onData).on("close", onClose).on("error", onError).on("drain", onDrain);
    // Sockets close their side by themselves; other streams may not.
    if (socket.allowHalfOpen) socket.on("end", onEnd);
  }

  /** More waits in the socket than the client may leave unread. */
  get congested(): boolean {
    return this.socket.writableLength > this.#bufferLimit;
  }

  get open(): boolean {
    return !this.#ending && !this.#gone;
  }

  /** Bytes that wait for the client to read. */
  get backlog(): number {
    return this.socket.writableLength;
  }

  /** Not read for a reason of ours. (Not reading one that does not read is its own doing.) */
  get heldBack(): boolean {
    return (this.#paused & ~PAUSE.congested) !== 0;
  }

  send(packet: Packet): void {
    this.sendBytes(encodePacket(packet, this.reader.version));
  }

  sendBytes(bytes: Uint8Array): void {
    if (!this.open) return;
    if (this.#soon === undefined) this.socket.write(bytes);
    else {
      this.#soon.push(bytes);
      this.flush();
    }
    // A client that asks without reading the answers is not read either.
    if (this.congested) this.pause(PAUSE.congested);
  }

  /** Sends with the next packet or a moment later, whichever comes first: an acknowledgement and the answer behind it share a write. */
  sendSoon(packet: Packet): void {
    if (!this.open) return;
    if (this.#soon === undefined) {
      this.#soon = [];
      this.#lazy.add(this);
    }
    this.#soon.push(encodePacket(packet, this.reader.version));
  }

  flush(): void {
    const parts = this.#soon;
    this.#soon = undefined;
    if (parts === undefined || !this.open) return;
    this.socket.write(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts));
  }

  pause(reason: number): void {
    if (this.#paused === 0) this.socket.pause();
    this.#paused |= reason;
  }

  resume(reason: number): void {
    if (this.#paused === 0) return;
    this.#paused &= ~reason;
    if (this.#paused === 0 && !this.#gone) this.socket.resume();
  }

  /**
   * Sends a last packet and closes our side. Reading goes on, unheard, until the client closes too: a socket that is
   * torn down with unread bytes answers with a reset, and the reset overtakes the reason we just sent.
   */
  end(last?: Packet | Uint8Array): void {
    if (!this.open) return;
    this.flush();
    this.reader.stop();
    this.#ending = true;
    if (last === undefined) this.socket.end();
    else this.socket.end(last instanceof Uint8Array ? last : encodePacket(last, this.reader.version));
    this.#paused = 0;
    this.socket.resume();
  }

  /** The client said goodbye, or there is nothing to tell it. */
  destroy(): void {
    this.#ending = true;
    this.reader.stop();
    this.socket.destroy();
  }

  receive(chunk: Uint8Array): void {
    if (this.#ending || !this.#owner.onActivity(chunk.length)) return;
    // What the chunk's packets cause is written once, at the end.
    this.socket.cork();
    try {
      this.reader.push(chunk, this.#deliver);
    } catch (error) {
      if (!(error instanceof MqttProtocolError)) throw error;
      this.#owner.onProtocolError(error);
    } finally {
      this.socket.uncork();
    }
  }

  drained(): void {
    if (!this.open) return;
    this.resume(PAUSE.congested);
    this.#owner.onDrain();
  }

  closed(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#ending = true;
    this.#soon = undefined;
    this.reader.stop();
    this.#owner.onGone();
  }

  readonly #deliver = (packet: Packet): void => this.#owner.onPacket(packet);
}

/** The 3.1.1 CONNACK for a version that is not served, where the fault is that. */
export function versionAnswer(error: MqttProtocolError): Uint8Array | undefined {
  return error instanceof UnsupportedVersionError ? error.answer : undefined;
}

function onData(this: WiredSocket, chunk: Uint8Array): void {
  this[kWire]?.receive(chunk);
}

function onDrain(this: WiredSocket): void {
  this[kWire]?.drained();
}

function onClose(this: WiredSocket): void {
  this[kWire]?.closed();
}

function onEnd(this: WiredSocket): void {
  this.end(() => this.destroy());
}

// A reset is how many clients leave; "close" follows and says all there is to say.
function onError(): void {}

import { ByteCursor } from "./byte-cursor.ts";
import type { CodecLimits, DecodeRules, Role } from "./codec-limits.ts";
import { decodePacket } from "./decode-packet.ts";
import { judgeFirstByte, judgeLength } from "./fixed-header.ts";
import type { Packet, ProtocolVersion } from "./packets.ts";
import { malformed } from "./protocol-error.ts";

// The first byte and a remaining length of four.
const LONGEST_HEADER = 5;
const SMALLEST_HOLD = 512;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts a byte stream into packets. Holds at most one incomplete packet, of which the header has been judged.
 * `push` calls `onPacket` for each whole packet, and throws MqttProtocolError at the first fault; after that it is
 * dead and takes no further notice of what it is given.
 */
export class PacketReader implements DecodeRules {
  readonly role: Role;
  /** The server's reader learns the version from CONNECT; a client sets it before it reads. */
  version: ProtocolVersion = 4;
  /** May be raised after CONNECT. */
  limits: CodecLimits;
  #progress = { begun: false, authenticates: false };
  #held: Buffer = NOTHING;
  #heldBytes = 0;
  #dead = false;

  constructor(role: Role, limits: CodecLimits) {
    this.role = role;
    this.limits = limits;
    // A client only gets AUTH when it asked for it, and its own code knows whether it did.
    this.#progress.authenticates = role === "client";
  }

  /** Bytes held of an incomplete packet. */
  get bufferedBytes(): number {
    return this.#heldBytes;
  }

  /** Whether CONNECT (at a client: CONNACK) has been read. */
  get begun(): boolean {
    return this.#progress.begun;
  }

  push(chunk: Uint8Array, onPacket: (packet: Packet) => void): void {
    if (this.#dead) return;
    let finished = false;
    try {
      this.#consume(asBuffer(chunk), onPacket);
      finished = true;
    } finally {
      if (!finished) this.stop();
    }
  }

  /** Drops what is held and ignores everything from now on; also the rest of the chunk being pushed. */
  stop(): void {
    this.#dead = true;
    this.#release();
  }

  #consume(chunk: Buffer, onPacket: (packet: Packet) => void): void {
    let at = 0;
    while (at < chunk.length && !this.#dead) {
      at = this.#heldBytes > 0 ? this.#continueHeld(chunk, at, onPacket) : this.#readDirectly(chunk, at, onPacket);
    }
  }

  /** A packet that lies whole in the chunk is decoded where it lies. */
  #readDirectly(chunk: Buffer, at: number, onPacket: (packet: Packet) => void): number {
    const size = this.#judge(chunk, at, chunk.length);
    if (size === undefined || at + size > chunk.length) {
      this.#hold(chunk, at, chunk.length, size ?? LONGEST_HEADER);
      return chunk.length;
    }
    this.#deliver(chunk, at, size, onPacket);
    return at + size;
  }

  #continueHeld(chunk: Buffer, at: number, onPacket: (packet: Packet) => void): number {
    const known = this.#judge(this.#held, 0, this.#heldBytes);
    if (known === undefined) {
      // Byte by byte, so that a bad length is found before a byte of the body is taken.
      this.#hold(chunk, at, at + 1, LONGEST_HEADER);
      return this.#deliverHeldIfWhole(this.#judge(this.#held, 0, this.#heldBytes), onPacket, at + 1);
    }
    const end = Math.min(chunk.length, at + known - this.#heldBytes);
    this.#hold(chunk, at, end, known);
    return this.#deliverHeldIfWhole(known, onPacket, end);
  }

  #deliverHeldIfWhole(size: number | undefined, onPacket: (packet: Packet) => void, next: number): number {
    if (size === undefined || this.#heldBytes < size) return next;
    const held = this.#held;
    this.#release();
    this.#deliver(held, 0, size, onPacket);
    return next;
  }

  #release(): void {
    this.#held = NOTHING;
    this.#heldBytes = 0;
  }

  /** Appends to what is held. The buffer doubles with what has really arrived: a header alone never makes it large. */
  #hold(chunk: Buffer, start: number, end: number, packetSize: number): void {
    const needed = this.#heldBytes + end - start;
    if (needed > this.#held.length) {
      const grown = Math.min(packetSize, Math.max(SMALLEST_HOLD, needed * 2));
      const larger = Buffer.allocUnsafeSlow(Math.max(grown, needed));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes, start, end);
    this.#heldBytes = needed;
  }

  /** The whole size of the packet that starts at `start`, or undefined while its header is incomplete. */
  #judge(bytes: Buffer, start: number, end: number): number | undefined {
    const first = bytes[start] as number;
    judgeFirstByte(first, this, this.#progress);
    let remaining = 0;
    for (let index = 1; index < LONGEST_HEADER; index++) {
      if (start + index >= end) return undefined;
      const byte = bytes[start + index] as number;
      remaining |= (byte & 0x7f) << (7 * (index - 1));
      if (byte >= 0x80) continue;
      if (byte === 0 && index > 1) throw malformed("MQTT-1.5.5-1", "the remaining length is not in its shortest form");
      judgeLength(first, index + 1, remaining, this);
      return index + 1 + remaining;
    }
    throw malformed("MQTT-1.5.5-1", "the remaining length is longer than four bytes");
  }

  #deliver(bytes: Buffer, start: number, size: number, onPacket: (packet: Packet) => void): void {
    let body = start + 1;
    while ((bytes[body] as number) >= 0x80) body++;
    const packet = decodePacket(bytes[start] as number, new ByteCursor(bytes, body + 1, start + size), this);
    this.#note(packet);
    onPacket(packet);
  }

  #note(packet: Packet): void {
    if (packet.type === "connect") {
      this.version = packet.version;
      this.#progress = { begun: true, authenticates: packet.authenticationMethod !== undefined };
    } else if (packet.type === "connack") {
      this.#progress.begun = true;
    }
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

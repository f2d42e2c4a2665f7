import { malformed, protocolError } from "./protocol-error.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Reads the body of one packet. Every read is checked against `end`; nothing is ever read beyond the packet. */
export class ByteCursor {
  #bytes: Buffer;
  #at: number;
  #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  uint8(what: string): number {
    return this.#bytes[this.#take(1, what)] as number;
  }

  uint16(what: string): number {
    const at = this.#take(2, what);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  uint32(what: string): number {
    return this.#bytes.readUInt32BE(this.#take(4, what));
  }

  /** A Variable Byte Integer in its shortest form [MQTT-1.5.5-1]. */
  varint(what: string): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.uint8(what);
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) throw malformed("MQTT-1.5.5-1", `${what} is not in its shortest form`);
      return value;
    }
    throw malformed("MQTT-1.5.5-1", `${what} is longer than four bytes`);
  }

  string(what: string): string {
    const length = this.uint16(what);
    const start = this.#take(length, what);
    return decodeUtf8(this.#bytes, start, start + length);
  }

  binary(what: string): Uint8Array {
    return this.#copy(this.uint16(what), what);
  }

  /** All that is left of the packet. */
  rest(): Uint8Array {
    return this.#copy(this.remaining, "payload");
  }

  packetId(): number {
    const id = this.uint16("packet identifier");
    if (id === 0) throw protocolError("MQTT-2.2.1-3", "packet identifier 0 is not allowed");
    return id;
  }

  /** Narrows the cursor to the next `length` bytes and returns the former end, to be given to `leave`. */
  enter(length: number, what: string): number {
    if (length > this.remaining) throw truncated(what);
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  leave(outerEnd: number): void {
    this.#end = outerEnd;
  }

  /** A packet ends where its header said, not before. */
  expectEnd(packet: string): void {
    if (this.remaining > 0) throw malformed("§2.1.4", `${packet} has ${this.remaining} bytes after its end`);
  }

  #take(length: number, what: string): number {
    const at = this.#at;
    if (length > this.#end - at) throw truncated(what);
    this.#at = at + length;
    return at;
  }

  // A view would keep the whole chunk it came in alive for as long as someone queues the message, so that many small
  // queued messages could hold many times their own size. A view that is most of its chunk wastes nothing.
  #copy(length: number, what: string): Uint8Array {
    const at = this.#take(length, what);
    const view = this.#bytes.subarray(at, at + length);
    return length * 2 > this.#bytes.buffer.byteLength ? view : Buffer.copyBytesFrom(view);
  }
}

function truncated(what: string): Error {
  return malformed("§2.1.4", `the packet ends inside its ${what}`);
}

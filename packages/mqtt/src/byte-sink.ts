/**
 * Where an encoder writes. Each packet is written twice through the same code: once to count its bytes, once into one
 * buffer of exactly that size, so that length and content cannot disagree.
 */
export interface ByteSink {
  uint8(value: number): void;
  uint16(value: number): void;
  uint32(value: number): void;
  varint(value: number): void;
  string(value: string): void;
  binary(value: Uint8Array): void;
  bytes(value: Uint8Array): void;
}

export class SizeSink implements ByteSink {
  size = 0;

  uint8(): void {
    this.size += 1;
  }

  uint16(): void {
    this.size += 2;
  }

  uint32(): void {
    this.size += 4;
  }

  varint(value: number): void {
    this.size += varintSize(value);
  }

  string(value: string): void {
    this.size += 2 + checkLength(Buffer.byteLength(value));
  }

  binary(value: Uint8Array): void {
    this.size += 2 + checkLength(value.length);
  }

  bytes(value: Uint8Array): void {
    this.size += value.length;
  }
}

export class BufferSink implements ByteSink {
  readonly buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  uint8(value: number): void {
    this.buffer[this.#at++] = value;
  }

  uint16(value: number): void {
    this.#at = this.buffer.writeUInt16BE(value, this.#at);
  }

  uint32(value: number): void {
    this.#at = this.buffer.writeUInt32BE(value, this.#at);
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.#at++] = rest;
  }

  string(value: string): void {
    const length = this.buffer.write(value, this.#at + 2);
    this.uint16(length);
    this.#at += length;
  }

  binary(value: Uint8Array): void {
    this.uint16(value.length);
    this.bytes(value);
  }

  bytes(value: Uint8Array): void {
    this.buffer.set(value, this.#at);
    this.#at += value.length;
  }
}

const LARGEST_VARINT = 268_435_455;

export function varintSize(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST_VARINT) {
    throw new RangeError(`${value} does not fit a Variable Byte Integer; the largest is ${LARGEST_VARINT}`);
  }
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

function checkLength(length: number): number {
  if (length > 0xffff) throw new RangeError(`an MQTT string or binary field holds at most 65,535 bytes, not ${length}`);
  return length;
}

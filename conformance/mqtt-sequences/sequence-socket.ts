import type { Duplex } from "node:stream";

/** Calls `expire` when a wait has taken too long; the returned function ends the watch. */
export type Patience = (expire: () => void) => () => void;

/** A connection to the server under test, read by the byte with a deadline on every wait. */
export class SequenceSocket {
  readonly #stream: Duplex;
  readonly #patience: Patience;
  #buffer: Buffer = Buffer.alloc(0);
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(stream: Duplex, patience: Patience) {
    this.#stream = stream;
    this.#patience = patience;
    stream.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake?.();
    });
    for (const event of ["end", "close", "error"]) stream.on(event, () => this.#close());
  }

  send(bytes: Uint8Array): void {
    if (this.#stream.writable) this.#stream.write(bytes);
  }

  /** The bytes that must come now. A wrong byte ends the wait at once. */
  async expect(wanted: Buffer): Promise<void> {
    const same = () => this.#buffer.subarray(0, wanted.length).equals(wanted.subarray(0, this.#buffer.length));
    await this.#until(() => !same() || this.#buffer.length >= wanted.length);
    if (!same() || this.#buffer.length < wanted.length)
      throw new Error(`wanted ${hex(wanted)}, got ${this.#describe()}`);
    this.#take(wanted.length);
  }

  /** One whole packet, however long its header says it is. */
  async packet(): Promise<Buffer> {
    await this.#until(() => packetSize(this.#buffer) !== undefined);
    const size = packetSize(this.#buffer);
    if (size === undefined) throw new Error(`wanted a packet, got ${this.#describe()}`);
    return this.#take(size);
  }

  /** The server closes, and says nothing more before it does. */
  async expectClose(): Promise<void> {
    await this.#until(() => this.#buffer.length > 0);
    if (!this.#closed || this.#buffer.length > 0) throw new Error(`wanted the end, got ${this.#describe()}`);
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async #until(done: () => boolean): Promise<void> {
    let late = false;
    const stop = this.#patience(() => {
      late = true;
      this.#wake?.();
    });
    while (!done() && !this.#closed && !late) await new Promise<void>((resolve) => (this.#wake = resolve));
    stop();
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  #describe(): string {
    const got = this.#buffer.length > 0 ? hex(this.#buffer) : "nothing";
    return this.#closed ? `${got} and the end` : `${got}, still connected`;
  }
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}

function packetSize(bytes: Buffer): number | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(bytes.length, 5); at++) {
    const byte = bytes[at] as number;
    length |= (byte & 0x7f) << (7 * (at - 1));
    if (byte < 0x80) return at + 1 + length <= bytes.length ? at + 1 + length : undefined;
  }
  return undefined;
}

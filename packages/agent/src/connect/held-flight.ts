import { Duplex } from "node:stream";

// TLS record and handshake types, RFC 8446 §5.1 and §4.
const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
/** A certificate, a signature and a Finished message; far more than any client sends. */
const MAX_HELD_BYTES = 128 * 1024;

/**
 * The transport beneath a TLS 1.3 client that lets nothing out but its ClientHello until `release`.
 *
 * Node checks a server's certificate in JavaScript, after OpenSSL has ended the handshake. In TLS 1.2 OpenSSL has by then
 * sent the client's certificate in the clear, `rejectUnauthorized` or not; in TLS 1.3 it depends on timing inside Node
 * whether it leaves first. A false server would learn which device it fooled. So the client's second flight
 * (Certificate, CertificateVerify, Finished) is kept here until the server has been checked. A TLS 1.3 client's
 * handshake is complete before that flight has left, which is why the check can come in between; in TLS 1.2 it cannot,
 * so the agent speaks TLS 1.3 only.
 */
export class HeldFlight extends Duplex {
  readonly #transport: Duplex;
  readonly #filter = new HelloFilter();
  #released = false;
  #held: { chunk: Buffer; done: (error?: Error | null) => void }[] = [];
  #heldBytes = 0;

  constructor(transport: Duplex) {
    super();
    this.#transport = transport;
    transport.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) transport.pause();
    });
    transport.on("end", () => this.push(null));
    transport.on("error", (error) => this.destroy(error));
    transport.on("close", () => this.destroy());
  }

  /** The server is who it should be: what was held goes out, in order, and everything after it as it comes. */
  release(): void {
    this.#released = true;
    for (const { chunk, done } of this.#held) this.#transport.write(chunk, done);
    this.#held = [];
  }

  override _read(): void {
    this.#transport.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#released) {
      this.#transport.write(chunk, done);
      return;
    }
    const allowed = this.#filter.allow(chunk);
    if (allowed > 0) this.#transport.write(chunk.subarray(0, allowed));
    if (allowed === chunk.length) {
      // Answered only now, so that the next record is judged after this one.
      done();
      return;
    }
    this.#hold(chunk.subarray(allowed), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#transport.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = [];
    this.#transport.destroy();
    done(error);
  }

  #hold(chunk: Buffer, done: (error?: Error | null) => void): void {
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MAX_HELD_BYTES)
      done(new Error("The TLS client wrote more before the server was checked than a handshake has."));
    else this.#held.push({ chunk, done });
  }
}

/** Counts how much of a client's byte stream is hellos: plain records that carry no credential. */
class HelloFilter {
  #restOfRecord = 0;
  #shut = false;

  /** How many of the chunk's first bytes may leave. Once one may not, none ever may. */
  allow(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && !this.#shut) {
      if (this.#restOfRecord === 0) this.#open(chunk.subarray(at));
      const taken = Math.min(this.#restOfRecord, chunk.length - at);
      this.#restOfRecord -= taken;
      at += taken;
    }
    return at;
  }

  #open(record: Buffer): void {
    const type = record[0];
    const isHello = type === HANDSHAKE && record[RECORD_HEADER] === CLIENT_HELLO;
    // OpenSSL writes a record's header and first byte together; one that it did not is held, which is safe.
    const whole = record.length > RECORD_HEADER;
    if (whole && (isHello || type === CHANGE_CIPHER_SPEC || type === ALERT)) {
      this.#restOfRecord = RECORD_HEADER + record.readUInt16BE(3);
    } else {
      this.#shut = true;
    }
  }
}

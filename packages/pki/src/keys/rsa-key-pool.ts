import { createPublicKey, generateKeyPair } from "node:crypto";
import { pemEncode } from "../pem.ts";
import { PkiError } from "../pki-error.ts";
import type { GeneratedKey } from "./generate-ec-key.ts";

export interface RsaKeyPoolOptions {
  /** How many keys are kept ready. */
  readonly size: number;
  /** Who may wait at most; further callers are refused. Twice the size unless said otherwise, at least 16. */
  readonly maxWaiting?: number;
  readonly generate?: () => Promise<GeneratedKey>;
}

export interface RsaKeyPool {
  /** The next key, at once where one is ready, else in the order of asking. A key is handed out once. */
  take(): Promise<GeneratedKey>;
  /** How many keys are ready. */
  readonly ready: number;
  /** Refuses all who wait and forgets every key. */
  close(): void;
}

interface Waiter {
  resolve(key: GeneratedKey): void;
  reject(error: unknown): void;
}

/**
 * RSA-2048 keys made in the background, one at a time: generating takes some 50 ms with a long tail, far too long for a
 * request. Keys live in memory only.
 * @example
 * const pool = rsaKeyPool({ size: 1 });
 * assert.match((await pool.take()).privateKeyPem, /BEGIN PRIVATE KEY/);
 * pool.close();
 */
export function rsaKeyPool(options: RsaKeyPoolOptions): RsaKeyPool {
  return new Pool(options);
}

class Pool implements RsaKeyPool {
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #generate: () => Promise<GeneratedKey>;
  readonly #keys: GeneratedKey[] = [];
  readonly #waiters: Waiter[] = [];
  #generating = false;
  #closed = false;

  constructor(options: RsaKeyPoolOptions) {
    if (!Number.isInteger(options.size) || options.size < 0 || options.size > 10_000) {
      throw new PkiError("request_invalid", `The key pool's size is ${options.size}; it must be 0 to 10000.`);
    }
    this.#size = options.size;
    this.#maxWaiting = options.maxWaiting ?? Math.max(16, 2 * options.size);
    this.#generate = options.generate ?? generateRsaKey;
    this.#fill();
  }

  get ready(): number {
    return this.#keys.length;
  }

  take(): Promise<GeneratedKey> {
    if (this.#closed) return Promise.reject(closed());
    const key = this.#keys.shift();
    if (key === undefined && this.#waiters.length >= this.#maxWaiting) {
      return Promise.reject(
        new PkiError("pool_full", `${this.#maxWaiting} callers wait for an RSA key already; try again later.`),
      );
    }
    const taken = key === undefined ? this.#wait() : Promise.resolve(key);
    this.#fill();
    return taken;
  }

  close(): void {
    this.#closed = true;
    this.#keys.length = 0;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closed());
  }

  #wait(): Promise<GeneratedKey> {
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #fill(): void {
    const wanted = this.#waiters.length > 0 || this.#keys.length < this.#size;
    if (this.#closed || this.#generating || !wanted) return;
    this.#generating = true;
    this.#generate().then(
      (key) => this.#store(key),
      (error: unknown) => this.#fail(error),
    );
  }

  #store(key: GeneratedKey): void {
    this.#generating = false;
    if (this.#closed) return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#keys.push(key);
    else waiter.resolve(key);
    this.#fill();
  }

  /** Whoever waits is told; nobody retries in a loop. The next `take` tries again. */
  #fail(error: unknown): void {
    this.#generating = false;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

function closed(): PkiError {
  return new PkiError("pool_closed", "The RSA key pool was closed.");
}

/** One RSA-2048 key on libuv's pool of threads, so that the event loop keeps turning. */
export function generateRsaKey(): Promise<GeneratedKey> {
  return new Promise((resolve, reject) => {
    generateKeyPair("rsa", { modulusLength: 2048, publicExponent: 65537 }, (error, _publicKey, privateKey) => {
      if (error !== null) return reject(error);
      const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
      const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
      resolve({ privateKeyPem: pemEncode(pkcs8, "PRIVATE KEY"), spki, privateKey });
    });
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPublicKey } from "./check-public-key.ts";
import { type GeneratedKey, generateEcKey } from "./generate-ec-key.ts";
import { rsaKeyPool } from "./rsa-key-pool.ts";

/** A source of keys that the test releases one by one. */
class Source {
  started = 0;
  #release: (() => void)[] = [];

  readonly generate = (): Promise<GeneratedKey> => {
    const key = { ...generateEcKey(), privateKeyPem: `key ${++this.started}` };
    return new Promise((resolve) => this.#release.push(() => resolve(key)));
  };

  /** Lets the oldest generation end, and everything that hangs on it run. */
  async release(): Promise<void> {
    this.#release.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("keys are made one at a time, up to the size, and handed out once", async () => {
  const source = new Source();
  const pool = rsaKeyPool({ size: 2, generate: source.generate });
  assert.equal(source.started, 1);
  await source.release();
  await source.release();
  assert.equal(pool.ready, 2);
  assert.equal(source.started, 2);
  assert.equal((await pool.take()).privateKeyPem, "key 1");
  assert.equal((await pool.take()).privateKeyPem, "key 2");
  assert.equal(source.started, 3);
  pool.close();
});

test("callers wait in the order of asking, and no more than the limit", async () => {
  const source = new Source();
  const pool = rsaKeyPool({ size: 0, maxWaiting: 2, generate: source.generate });
  const waiting = [pool.take(), pool.take()];
  await assert.rejects(pool.take(), { code: "pool_full" });
  await source.release();
  await source.release();
  assert.deepEqual(
    (await Promise.all(waiting)).map((key) => key.privateKeyPem),
    ["key 1", "key 2"],
  );
  await source.release();
  assert.equal(source.started, 2);
  pool.close();
});

test("a closed pool refuses who waits and who comes, and forgets what arrives late", async () => {
  const source = new Source();
  const pool = rsaKeyPool({ size: 1, generate: source.generate });
  const waiting = pool.take();
  pool.close();
  await assert.rejects(waiting, { code: "pool_closed" });
  await assert.rejects(pool.take(), { code: "pool_closed" });
  await source.release();
  assert.equal(pool.ready, 0);
});

test("a generator that fails is reported to who waits and tried again for who comes next", async () => {
  let calls = 0;
  const generate = () => (++calls === 1 ? Promise.reject(new Error("no entropy")) : Promise.resolve(generateEcKey()));
  const pool = rsaKeyPool({ size: 0, generate });
  await assert.rejects(pool.take(), /no entropy/);
  assert.match((await pool.take()).privateKeyPem, /PRIVATE KEY/);
  pool.close();
});

test("the pool's own keys are RSA-2048 and pass the key policy", async () => {
  const pool = rsaKeyPool({ size: 0 });
  const key = await pool.take();
  pool.close();
  assert.equal(checkPublicKey(key.spki).algorithm, "rsa-2048");
  assert.match(key.privateKeyPem, /^-----BEGIN PRIVATE KEY-----\n/);
});

test("a size that is no size is refused", () => {
  for (const size of [-1, 1.5, Number.NaN, 10_001])
    assert.throws(() => rsaKeyPool({ size }), { code: "request_invalid" });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "../kit/clock.ts";
import { LIMITS } from "../kit/limits.ts";
import { silentLog } from "../kit/log.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { rootOf } from "./merkle.ts";
import { refuseRollback } from "./rollback.ts";
import { startSequencer } from "./sequencer.ts";
import { auditKeys, type TestLog, testLog } from "./testing.ts";

function setUp(store: TestLog = testLog()) {
  const clock = new ManualClock();
  const { privateKey, publicKey } = auditKeys();
  const published: string[] = [];
  const ports = { store, clock, log: silentLog, origin: "log.example", privateKey };
  const start = (publish = (note: string): void => void published.push(note)) => startSequencer({ ...ports, publish });
  return { store, clock, published, publicKey, start };
}

const leaves = (store: TestLog): string[] => store.kept.map((entry) => entry.leafHash);

describe("the sequencer", () => {
  it("signs, keeps and publishes a checkpoint within its time after something was written", async () => {
    const { store, clock, published, publicKey, start } = setUp();
    const sequencer = await start();
    store.write("a");
    store.write("b");
    clock.advance(LIMITS.checkpointMs);
    await sequencer.close();
    const checkpoint = openCheckpoint(published[0] ?? "", publicKey);
    assert.equal(checkpoint.size, 2);
    assert.equal(checkpoint.rootHash, rootOf(leaves(store)));
    assert.deepEqual(checkpoint.claims, [{ claimId: "claim-1", redeemed: 2 }]);
    assert.equal(published.length, 1);
    assert.equal(store.signed[0]?.note, published[0]);
  });

  it("signs nothing while nothing is written", async () => {
    const { clock, published, start } = setUp();
    const sequencer = await start();
    clock.advance(10 * LIMITS.checkpointMs);
    await sequencer.close();
    assert.deepEqual(published, []);
  });

  it("takes up the tree after a restart, over many entries", async () => {
    const { store, published, publicKey, start } = setUp();
    for (const round of [1, 2, 3]) {
      const sequencer = await start();
      for (let i = 0; i < 777; i++) store.write(`entry ${round} ${i}`);
      await sequencer.close();
    }
    const checkpoint = openCheckpoint(published.at(-1) ?? "", publicKey);
    assert.deepEqual([checkpoint.size, checkpoint.rootHash], [3 * 777, rootOf(leaves(store))]);
  });

  it("refuses to go on from a tree that was tampered with", async () => {
    const { store, start } = setUp();
    store.write("a");
    await (await start()).close();
    const latest = store.signed[0];
    if (latest === undefined) throw new Error("A checkpoint was signed.");
    store.signed[0] = { ...latest, frontier: ["00".repeat(32)] };
    await assert.rejects(start(), /does not have the root that was signed/);
  });

  it("tries again when a checkpoint could not be published", async () => {
    const { store, clock, published, start } = setUp();
    let isBroken = true;
    const sequencer = await start((note) => {
      if (isBroken) throw new Error("no space left");
      published.push(note);
    });
    store.write("a");
    clock.advance(LIMITS.checkpointMs);
    await turn();
    isBroken = false;
    store.write("b");
    await sequencer.close();
    assert.equal(published.length, 1);
  });

  it("lets a database be told that is older than what was published", async () => {
    const { store, published, publicKey, start } = setUp();
    store.write("a");
    await (await start()).close();
    const old = { ...store.signed };
    store.write("b");
    await (await start()).close();
    const note = published.at(-1) ?? "";
    await refuseRollback(store, note, publicKey);
    store.signed.length = 1;
    await assert.rejects(refuseRollback(store, note, publicKey), /holds 1 audit entries where 2 were signed/);
    await refuseRollback(store, published[0] ?? "", publicKey);
    await refuseRollback({ ...store, epoch: async () => 2 }, note, publicKey);
    const first = old[0];
    if (first === undefined) throw new Error("A checkpoint was signed.");
    store.signed[0] = { ...first, rootHash: "00".repeat(32) };
    await assert.rejects(refuseRollback(store, published[0] ?? "", publicKey), /another history/);
  });
});

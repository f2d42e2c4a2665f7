import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { startSequencer } from "../../audit/sequencer.ts";
import { auditKeys } from "../../audit/testing.ts";
import { silentLog } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { CLAIM, Fixture, thingName } from "../contract/fixture.ts";
import { refused } from "../contract/refused.ts";
import { checkInvariants } from "../invariants.ts";
import type { SqliteStore } from "./open-sqlite-store.ts";
import { type RestoreRequest, restoreDatabase } from "./restore.ts";
import { openTestStore, temporaryFile } from "./testing.ts";

const ORIGIN = "log.example";

/** An installation with a backup of the middle and a checkpoint of the end: 2 devices redeemed before the backup, 3 after it. */
async function history() {
  const keys = auditKeys();
  const file = temporaryFile();
  const backupFile = temporaryFile("backup");
  const fixture = await Fixture.ready(({ clock }) => openTestStore({ file, clock }), { maxDevices: 6 });
  const store = fixture.store as SqliteStore;
  const notes: string[] = [];
  const ports = { store, clock: fixture.clock, log: silentLog, origin: ORIGIN, privateKey: keys.privateKey };
  const sequencer = await startSequencer({ ...ports, publish: (note) => void notes.push(note) });
  for (const name of ["a", "b"]) await fixture.provision(name);
  const pending = await fixture.pending({ clientId: "waits" });
  await sequencer.checkpoint();
  await store.backup(backupFile);
  for (const name of ["c", "d", "e"]) await fixture.provision(name);
  await sequencer.close();
  await store.close();
  const common = {
    backupFile,
    auditPublicKey: keys.publicKey,
    origin: ORIGIN,
    actor: "system",
    clock: fixture.clock,
    random: systemRandom(),
  };
  const request = (change: Partial<RestoreRequest> = {}): RestoreRequest => ({
    ...common,
    intoFile: temporaryFile(),
    ...change,
  });
  return { file, fixture, keys, notes, pending, request };
}

describe("restoring a backup", () => {
  it("with the newest checkpoint gives claims the count they had reached, ends tokens and begins a new epoch", async () => {
    const { keys, notes, pending, request, fixture } = await history();
    const restore = request({ checkpointNote: notes.at(-1) });
    assert.deepEqual(await restoreDatabase(restore), { epoch: 2, suspendedClaims: [] });
    const store = await openTestStore({ file: restore.intoFile, clock: fixture.clock });
    const claim = await store.claim(CLAIM);
    assert.deepEqual([claim?.status, claim?.redeemed, claim?.pending], ["active", 5, 0]);
    assert.equal(await store.token(pending.tokenHash), undefined);
    assert.equal(await store.thing(thingName("c")), undefined);
    const entries = await store.entries(0, 1000);
    assert.match(entries.at(-1)?.body ?? "", /"event":"installation.restored"/);
    await store.close();
    assert.deepEqual(checkInvariants(restore.intoFile, { auditPublicKey: keys.publicKey, nowMs: fixture.nowMs }), []);
  });

  it("without a checkpoint suspends every claim until an operator resumes it", async () => {
    const { request } = await history();
    const restore = request();
    assert.deepEqual(await restoreDatabase(restore), { epoch: 2, suspendedClaims: [CLAIM] });
    const store = await openTestStore({ file: restore.intoFile });
    assert.equal((await store.claim(CLAIM))?.statusReason, "installation_restored");
    await store.close();
  });

  it("twice from one backup never gives one epoch twice", async () => {
    const { file, notes, request } = await history();
    const restore = request({ intoFile: file, replaceExisting: true, checkpointNote: notes.at(-1) });
    assert.equal((await restoreDatabase(restore)).epoch, 2);
    assert.equal((await restoreDatabase(restore)).epoch, 3);
    const store = await openTestStore({ file });
    assert.equal(await store.epoch(), 3);
    await store.close();
  });

  it("refuses to overwrite, to take an older checkpoint or a forged one, or a damaged or missing backup, and leaves no file", async () => {
    const { file, notes, request } = await history();
    const check = async (restore: RestoreRequest, code: Parameters<typeof refused>[1], sentence: RegExp) => {
      const before = existsSync(restore.intoFile) ? readFileSync(restore.intoFile) : undefined;
      assert.match((await refused(restoreDatabase(restore), code)).message, sentence);
      assert.deepEqual(existsSync(restore.intoFile) ? readFileSync(restore.intoFile) : undefined, before);
      assert.equal(existsSync(`${restore.intoFile}.unfinished`), false);
    };
    await check(request({ intoFile: file }), "conflict", /exists/);
    await check(request({ backupFile: temporaryFile("none") }), "not_found", /no backup/);
    await check(
      request({ checkpointNote: notes.at(-1), auditPublicKey: auditKeys().publicKey }),
      "conflict",
      /not by the installation/,
    );
    const letter = temporaryFile("letter");
    writeFileSync(letter, "a letter ".repeat(999));
    await check(request({ backupFile: letter }), "store_unavailable", /not a Fleetmint database/);
    const damaged = temporaryFile("damaged");
    copyFileSync(request().backupFile, damaged);
    const bytes = readFileSync(damaged);
    bytes.fill(0xff, 4096 * 3, 4096 * 9);
    writeFileSync(damaged, bytes);
    await check(request({ backupFile: damaged }), "conflict", /damaged/);
    assert.notEqual(notes[0], undefined);
    await check(request({ backupFile: file, checkpointNote: notes[0] }), "conflict", /fewer than the backup's own/);
  });
});

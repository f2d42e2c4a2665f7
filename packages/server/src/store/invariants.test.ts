// Each thing that could go wrong is planted, and must be found.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { startSequencer } from "../audit/sequencer.ts";
import { auditKeys } from "../audit/testing.ts";
import { silentLog } from "../kit/log.ts";
import { Fixture } from "./contract/fixture.ts";
import { checkInvariants } from "./invariants.ts";
import { openTestStore, temporaryFile } from "./sqlite/testing.ts";

const HOUR_MS = 3600_000;

async function soundDatabase() {
  const keys = auditKeys();
  const file = temporaryFile();
  const fixture = await Fixture.ready(({ clock }) => openTestStore({ file, clock }));
  const ports = {
    store: fixture.store,
    clock: fixture.clock,
    log: silentLog,
    origin: "log.example",
    privateKey: keys.privateKey,
  };
  const sequencer = await startSequencer({ ...ports, publish: () => {} });
  await fixture.provision("lamp-1");
  await fixture.provision("lamp-2");
  await fixture.pending({ clientId: "waits" });
  await sequencer.close();
  await fixture.store.close();
  return { file, nowMs: fixture.nowMs, auditPublicKey: keys.publicKey };
}

const PLANTED: readonly (readonly [invariant: string, sql: string])[] = [
  ["I1", "UPDATE intents SET tbs_hash = zeroblob(32) WHERE id = 2"],
  ["I1", "UPDATE certificates SET der = CAST(der || 'x' AS BLOB) WHERE id = 2"],
  ["I1", "UPDATE intents SET serial = (SELECT serial FROM intents WHERE id = 1)"],
  ["I2", "UPDATE certificates SET status = 'ACTIVE' WHERE status = 'PENDING_ACTIVATION'"],
  ["I2", "UPDATE certificates SET status = 'PENDING_ACTIVATION' WHERE request_digest IS NOT NULL"],
  ["I2", "UPDATE certificates SET thing = NULL"],
  ["I2", "UPDATE things SET status = 'retired'"],
  ["I3", "UPDATE certificates SET token_expires_at = NULL"],
  ["I3", `UPDATE certificates SET token_expires_at = token_expires_at - ${2 * HOUR_MS}`],
  ["I4", "UPDATE certificates SET token_hash = zeroblob(32) WHERE token_hash IS NOT NULL"],
  ["I4", "UPDATE claims SET redeemed = redeemed - 1"],
  ["I4", "UPDATE claims SET redeemed = redeemed + 1"],
  ["I4", "UPDATE claims SET pending = pending + 1"],
  ["I4", "UPDATE claim_redemptions SET count = count + 1"],
  ["I4", "UPDATE intents SET claim = NULL WHERE profile = 'device'"],
  ["I8", "DELETE FROM audit_entries WHERE id = 3"],
  ["I8", "DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries)"],
  ["I8", "UPDATE audit_entries SET body = replace(body, 'certificate.activated', 'certificate.issued')"],
  ["I8", "UPDATE checkpoints SET root_hash = '00'"],
  ["I8", "UPDATE checkpoints SET note = replace(note, 'epoch 1', 'epoch 2')"],
  ["I10", "UPDATE policies SET name = '-----BEGIN PRIVATE KEY-----'"],
  ["I10", `UPDATE templates SET hook = '{"kind":"webhook","secret":"clear"}'`],
  ["database", "PRAGMA foreign_keys = OFF; UPDATE certificates SET thing = 99 WHERE thing IS NOT NULL"],
];

describe("the invariants of a database", () => {
  it("hold in one that the store wrote", async () => {
    const { file, ...options } = await soundDatabase();
    assert.deepEqual(checkInvariants(file, options), []);
  });

  for (const [invariant, sql] of PLANTED) {
    it(`show ${invariant} broken by: ${sql}`, async () => {
      const { file, ...options } = await soundDatabase();
      const database = new DatabaseSync(file);
      database.exec(sql);
      database.close();
      const broken = checkInvariants(file, options).map((violation) => violation.invariant);
      assert.ok(broken.includes(invariant), `${invariant} is not among ${broken.join(", ") || "nothing"}`);
    });
  }
});

// A backup made in the middle of provisionings, and what it may and may not bring back.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { restore, systemClock, systemRandom } from "@fleetmint/server";
import { brokenInvariants } from "../../src/crash/aftermath.ts";
import { databaseFile } from "../../src/crash/prepared-folder.ts";
import {
  applySimpleTemplate,
  createClaim,
  createFromCsr,
  provision,
  Rejected,
  registerThing,
  SimulatedDevice,
  startWorld,
  type TestClaim,
  type World,
} from "../../src/index.ts";

const QUOTA = 16;

/** A folder whose database is lost after 10 devices; the backup knows some of them, and a token that nobody has redeemed. */
interface Loss {
  readonly claim: TestClaim;
  readonly backup: string;
  /** Redeemed by nobody, and in the backup. */
  readonly token: string;
  /** Redeemed after the backup was made. */
  readonly spentToken: string;
  readonly serials: ReadonlySet<string>;
}

describe("a backup taken in the middle of provisionings", () => {
  test("restored with the newest checkpoint: the quota is what was used, no token lives, no serial number comes again", async () => {
    await using world = await startWorld({ clock: systemClock });
    const loss = await lose(world);
    const { notes } = await restoreInto(world, loss);
    assert.ok(
      notes.some((note) => note.includes("reconciled")),
      notes.join("\n"),
    );
    await world.restart();
    const { redeemed, status } = await world.admin.getClaim({ claimId: loss.claim.claimId });
    assert.deepEqual({ redeemed, status }, { redeemed: 10, status: "active" });
    await assertTokensEnded(world, loss);
    const outcomes = await provisionMany(world, loss.claim, "after", QUOTA);
    assert.equal(outcomes.filter((outcome) => outcome === "issued").length, QUOTA - 10);
    for (const outcome of outcomes)
      assert.ok(["issued", "claim_quota_exceeded", "claim_pending_limit"].includes(outcome));
    await world.server.close();
    assertNoSerialAgain(world, loss);
    assert.deepEqual(brokenInvariants(world.folder), []);
  });

  test("restored without a checkpoint: the claim issues nothing until an operator has looked", async () => {
    await using world = await startWorld({ clock: systemClock });
    const loss = await lose(world);
    rmSync(join(world.folder, "checkpoint.txt"));
    await restoreInto(world, loss);
    await world.restart();
    const claim = await world.admin.getClaim({ claimId: loss.claim.claimId });
    assert.equal(claim.status, "suspended");
    assert.match(claim.statusReason ?? "", /installation_restored/);
    await assert.rejects(provisionOne(world, loss.claim, "refused"), /claim_suspended|installation_restored/);
    await world.server.close();
    assert.deepEqual(brokenInvariants(world.folder), []);
  });
});

/** Ten devices, five at a time, with a backup while the second five are on their way; then the disk is gone. */
async function lose(world: World): Promise<Loss> {
  await applySimpleTemplate(world);
  const claim = await createClaim(world, { maxDevices: QUOTA, maxPerMinute: 1_000_000 });
  await provisionMany(world, claim, "before", 4);
  const backup = join(world.folder, "..", "backup.fmb");
  await using waiting = await SimulatedDevice.connect(world.target, claim, { clientId: "waiting" });
  const { ownershipToken: token } = await createFromCsr(waiting);
  await using spender = await SimulatedDevice.connect(world.target, claim, { clientId: "spender" });
  const { ownershipToken: spentToken } = await createFromCsr(spender);
  await Promise.all([
    world.admin.createBackup({ path: backup }),
    provisionMany(world, claim, "during", 5).then((outcomes) =>
      assert.deepEqual(new Set(outcomes), new Set(["issued"])),
    ),
  ]);
  await registerThing(spender, { template: "simple", token: spentToken, parameters: { SerialNumber: "spender" } });
  const { redeemed } = await world.admin.getClaim({ claimId: claim.claimId });
  assert.equal(redeemed, 10);
  await world.server.close();
  return { claim, backup, token, spentToken, serials: new Set(issuedSerials(databaseFile(world.folder))) };
}

function restoreInto(world: World, { backup }: Loss) {
  const request = { folder: world.folder, backupFile: backup, checkpointFile: undefined, passphraseFile: undefined };
  return restore({ clock: systemClock, random: systemRandom() }, request);
}

async function assertTokensEnded(world: World, { claim, token, spentToken }: Loss): Promise<void> {
  const tries = [
    ["waiting", token],
    ["spender", spentToken],
  ] as const;
  for (const [clientId, old] of tries) {
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId });
    const request = { template: "simple", token: old, parameters: { SerialNumber: clientId } };
    await assert.rejects(
      registerThing(device, request),
      (error: unknown) =>
        error instanceof Rejected && ["token_unknown", "token_expired"].includes(error.reason ?? error.message),
    );
  }
}

/** Serial numbers given out since, against all that were ever given out before: those in the backup and those that were lost. */
function assertNoSerialAgain(world: World, { serials, backup }: Loss): void {
  const kept = new Set(issuedSerials(backup));
  const since = issuedSerials(databaseFile(world.folder)).filter((serial) => !kept.has(serial));
  assert.ok(since.length >= QUOTA - 10, `only ${since.length} certificates were issued after the restore`);
  assert.deepEqual(
    since.filter((serial) => serials.has(serial)),
    [],
  );
  // Not by luck: the first octet says after how many restores a number was given out.
  const epochs = new Set(since.map((serial) => serial.slice(0, 2)));
  assert.deepEqual(
    [...serials].filter((serial) => epochs.has(serial.slice(0, 2))),
    [],
  );
}

function issuedSerials(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare("SELECT serial FROM intents").all();
    return rows.map(({ serial }) => String(serial));
  } finally {
    database.close();
  }
}

async function provisionMany(world: World, claim: TestClaim, name: string, devices: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let i = 0; i < devices; i++) outcomes.push(await provisionOne(world, claim, `${name}-${i}`).catch(reasonOf));
  return outcomes;
}

async function provisionOne(world: World, claim: TestClaim, serial: string): Promise<string> {
  const request = { template: "simple", parameters: { SerialNumber: serial } };
  await provision(world.target, claim, { clientId: serial, ...request });
  return "issued";
}

function reasonOf(error: unknown): string {
  if (error instanceof Rejected && error.reason !== undefined) return error.reason;
  throw error;
}

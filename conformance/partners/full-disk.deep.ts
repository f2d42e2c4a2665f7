// A disk that fills while the server runs: refused before anything is signed, nothing half-done, and well again once there is space.
import assert from "node:assert/strict";
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { checkInvariants } from "@fleetmint/server";
import { ConnectRefused, provision, Rejected, type Target } from "@fleetmint/testkit";
import { fleetmint, fleetmintJson, must } from "./support/commands.ts";
import { initialize, prepareFleet, temporaryFolder } from "./support/fleet.ts";
import { noMounts } from "./support/privileges.ts";
import { type Serving, startServing } from "./support/serving.ts";

const skip = noMounts() ?? false;
const folder = temporaryFolder();
const disk = join(folder.path, "disk");
const data = join(disk, "server");
const claimFolder = join(folder.path, "claim");
let server: Serving | undefined;

before(async () => {
  if (skip !== false) return;
  mkdirSync(disk);
  must("mount", "-t", "tmpfs", "-o", "size=8m", "fleetmint-test", disk);
  await initialize(data, ["localhost", "127.0.0.1"]);
  server = await startServing(data);
  await prepareFleet(data, claimFolder);
});
after(async () => {
  await server?.stop();
  if (skip === false) must("umount", disk);
  folder[Symbol.dispose]();
});

/** Writes until the disk takes no more byte. */
function fill(file: string): void {
  const descriptor = openSync(file, "w");
  try {
    for (let size = 65_536; size >= 1; ) {
      try {
        if (writeSync(descriptor, Buffer.alloc(size)) < size) size >>= 1;
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
        size >>= 1;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function provisionDevice(serial: string): ReturnType<typeof provision> {
  const read = (name: string): string => readFileSync(join(claimFolder, name), "utf8");
  const target: Target = { host: "localhost", port: server!.mqttPort, caPem: read("ca.pem") };
  const claim = { certificatePem: read("claim.cert.pem"), privateKeyPem: read("claim.key.pem") };
  return provision(target, claim, { clientId: serial, template: "camera", parameters: { SerialNumber: serial } });
}

/** Even noting that a claim is used writes, so that the refusal may come with CONNACK: server unavailable. */
function isStoreUnavailable(error: unknown): boolean {
  if (error instanceof Rejected) return error.reason === "store_unavailable" && error.response.statusCode === 503;
  return error instanceof ConnectRefused && /^CONNACK 136: store_unavailable: .*Free space/.test(error.message);
}

interface Counts {
  readonly intents: number;
  readonly certificates: number;
  readonly entries: number;
}

/** Counted in a copy: a second reader on a full disk would be a test of SQLite. */
function counts(): Counts {
  const copy = join(folder.path, "copy.db");
  for (const end of ["", "-wal"]) copyFileSync(join(data, `fleetmint.db${end}`), copy + end);
  const database = new DatabaseSync(copy);
  const count = (table: string): number =>
    database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"] as number;
  const counted = { intents: count("intents"), certificates: count("certificates"), entries: count("audit_entries") };
  database.close();
  for (const end of ["", "-wal", "-shm"]) rmSync(copy + end, { force: true });
  return counted;
}

test("a full disk refuses before signing, says so, leaves nothing half-done, and heals without a restart", {
  skip,
}, async () => {
  const first = await provisionDevice("A");
  assert.equal(first.thingName, "camera-A");

  const ballast = join(disk, "ballast");
  fill(ballast);
  // What the database has reserved already may take a few more; each is a whole provisioning or none.
  let refused: unknown;
  let provisioned = 1;
  for (let device = 0; refused === undefined && device < 200; device++) {
    await provisionDevice(`B${device}`).then(
      () => provisioned++,
      (error: unknown) => (refused = error),
    );
  }
  assert.ok(isStoreUnavailable(refused), String(refused));

  const full = counts();
  for (let device = 0; device < 5; device++) {
    await assert.rejects(provisionDevice(`C${device}`), isStoreUnavailable);
  }
  assert.deepEqual(counts(), full, "no intent, certificate or audit entry came of the refusals");

  const create = ["claim", "create", "--template", "camera", "--allow-any-device", "--plain"];
  const denied = await fleetmint([...create, "--out", join(folder.path, "second"), "--data", data]);
  assert.equal(denied.code, 1);
  assert.match(
    denied.stderr,
    /^error: The store could not write .*full.* \(store_unavailable\)\n.*\n {2}fix: +Free space/,
  );
  const things = await fleetmintJson<unknown[]>(["thing", "list", "--data", data]);
  assert.equal(things.length, provisioned, "reading goes on, and only whole provisionings left a thing");

  rmSync(ballast);
  const healed = await provisionDevice("D");
  assert.equal(healed.thingName, "camera-D");
  await server!.stop();
  const violations = checkInvariants(join(data, "fleetmint.db"), { nowMs: Date.now() });
  assert.deepEqual(violations, []);
});

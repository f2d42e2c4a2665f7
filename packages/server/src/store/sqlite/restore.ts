// Puts a backup in place of the database. Time went on after the backup was made, so that what it says is not believed blindly:
// serial numbers begin with a new epoch, tokens end, and quotas are what the newest signed checkpoint vouches for.

import type { KeyObject } from "node:crypto";
import { copyFileSync, existsSync, constants as fs, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Checkpoint, openCheckpoint } from "../../audit/checkpoint.ts";
import { installationRestored } from "../../audit/events.ts";
import type { Clock } from "../../kit/clock.ts";
import { Fault } from "../../kit/fault.ts";
import type { Random } from "../../kit/random.ts";
import { RESTORED } from "../conditions.ts";
import { syncPath } from "./backup.ts";
import { checkIntegrity } from "./integrity.ts";
import { checkDatabaseFile } from "./open-database.ts";
import { openSqliteStore, type SqliteStore } from "./open-sqlite-store.ts";

export interface RestoreRequest {
  readonly backupFile: string;
  readonly intoFile: string;
  /** The newest checkpoint that was published: what vouches for quotas used after the backup. */
  readonly checkpointNote?: string | undefined;
  readonly auditPublicKey: KeyObject;
  readonly origin: string;
  readonly actor: string;
  /** A database that is in the way is kept beside the new one, with `.replaced` behind its name. */
  readonly replaceExisting?: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Restored {
  readonly epoch: number;
  /** Claims that issue nothing until an operator resumes them, because nobody vouches for their count. */
  readonly suspendedClaims: readonly string[];
}

/** The folder must not be in use by a server; its lock says so. */
export async function restoreDatabase(request: RestoreRequest): Promise<Restored> {
  const { backupFile, intoFile } = request;
  if (existsSync(intoFile) && request.replaceExisting !== true) {
    throw new Fault(
      "conflict",
      `The database ${intoFile} exists. Say that it is to be replaced, or name an empty data folder.`,
    );
  }
  checkBackup(backupFile);
  const checkpoint =
    request.checkpointNote === undefined ? undefined : openCheckpoint(request.checkpointNote, request.auditPublicKey);
  const unfinished = `${intoFile}.unfinished`;
  removeDatabase(unfinished);
  try {
    copyFileSync(backupFile, unfinished, fs.COPYFILE_EXCL);
    const restored = await beginNewEpoch(unfinished, request, checkpoint);
    syncPath(unfinished);
    putInPlace(unfinished, intoFile);
    return restored;
  } finally {
    removeDatabase(unfinished);
  }
}

function checkBackup(file: string): void {
  if (!existsSync(file)) throw new Fault("not_found", `There is no backup ${file}.`);
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    checkDatabaseFile(database, file);
    const [problem] = checkIntegrity(database);
    if (problem !== undefined)
      throw new Fault("conflict", `The backup ${file} is damaged: ${problem}. Take an older one.`);
  } finally {
    database.close();
  }
}

async function beginNewEpoch(
  file: string,
  request: RestoreRequest,
  checkpoint: Checkpoint | undefined,
): Promise<Restored> {
  const { clock, random, origin, actor } = request;
  await using store = await openSqliteStore({ file, clock, random });
  await refuseOlder(store, checkpoint);
  const lost = checkpoint === undefined ? undefined : { size: checkpoint.size, rootHash: checkpoint.rootHash };
  const detail = { entries: await store.entryCount(), checkpoint: lost };
  const epoch = await store.bumpEpoch({
    usage: checkpoint?.claims,
    knownEpoch: Math.max(checkpoint?.epoch ?? 0, epochOf(request.intoFile)),
    audit: installationRestored({ actor, origin, atMs: clock.now(), detail }),
  });
  const suspended = (await store.claims()).filter(
    (claim) => claim.status === "suspended" && claim.statusReason === RESTORED,
  );
  return { epoch, suspendedClaims: suspended.map((claim) => claim.claimId) };
}

async function refuseOlder(store: SqliteStore, checkpoint: Checkpoint | undefined): Promise<void> {
  const own = (await store.latestCheckpoint())?.size ?? 0;
  if (checkpoint === undefined || checkpoint.size >= own || checkpoint.epoch > (await store.epoch())) return;
  throw new Fault(
    "conflict",
    `The checkpoint covers ${checkpoint.size} audit entries, fewer than the backup's own ${own}. Give the newest one that was published.`,
  );
}

/** The epoch of the database that is replaced, as far as it can still be read. */
function epochOf(file: string): number {
  if (!existsSync(file)) return 0;
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return Number(database.prepare("SELECT epoch FROM installation").get()?.["epoch"] ?? 0);
    } finally {
      database.close();
    }
  } catch {
    // What is being replaced may be damaged: often that is why.
    return 0;
  }
}

/** SQLite would take a log that lies beside a database for its own: files move together, the database last. */
function putInPlace(from: string, intoFile: string): void {
  for (const suffix of ["-wal", "-shm", ""]) {
    if (existsSync(intoFile + suffix)) renameSync(intoFile + suffix, `${intoFile}.replaced${suffix}`);
  }
  renameSync(from, intoFile);
  syncPath(dirname(intoFile));
}

function removeDatabase(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
}

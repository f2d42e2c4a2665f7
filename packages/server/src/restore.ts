// `fleetmint restore`: a backup takes the place of a data folder's database, and issues nothing that could exist twice.
import { createPublicKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { unlock } from "./installation.ts";
import type { Clock } from "./kit/clock.ts";
import { Fault } from "./kit/fault.ts";
import type { Random } from "./kit/random.ts";
import { lockDataFolder } from "./settings/data-folder.ts";
import { restoreDatabase } from "./store/sqlite/restore.ts";

export interface RestoreRequest {
  readonly folder: string;
  readonly backupFile: string;
  /** The newest signed checkpoint; the one in the data folder unless given. */
  readonly checkpointFile: string | undefined;
  readonly passphraseFile: string | undefined;
}

export interface RestoredInstallation {
  readonly epoch: number;
  /** What an operator must know before serving again. */
  readonly notes: readonly string[];
}

/** Works on a folder that nobody serves; the replaced database is kept beside the new one. */
export async function restore(
  ports: { readonly clock: Clock; readonly random: Random },
  request: RestoreRequest,
): Promise<RestoredInstallation> {
  const installation = unlock(ports.random, request.folder, request.passphraseFile);
  const { folder, origin, auditKey } = installation;
  using _lock = lockDataFolder(folder);
  const checkpointFile = request.checkpointFile ?? (existsSync(folder.checkpoint) ? folder.checkpoint : undefined);
  const { epoch, suspendedClaims } = await restoreDatabase({
    ...ports,
    backupFile: request.backupFile,
    intoFile: folder.database,
    checkpointNote: checkpointFile === undefined ? undefined : readCheckpoint(checkpointFile),
    auditPublicKey: createPublicKey(auditKey),
    origin,
    actor: "account:local-administrator",
    replaceExisting: true,
  });
  return { epoch, notes: notesOf({ checkpointFile, suspendedClaims, database: folder.database }) };
}

function readCheckpoint(file: string): string {
  if (!existsSync(file)) throw new Fault("not_found", `There is no checkpoint ${file}.`);
  return readFileSync(file, "utf8");
}

function notesOf(restored: {
  readonly checkpointFile: string | undefined;
  readonly suspendedClaims: readonly string[];
  readonly database: string;
}): string[] {
  const notes = [
    restored.checkpointFile === undefined
      ? "No checkpoint was given: nobody vouches for what was provisioned after the backup."
      : `Quotas were reconciled with ${restored.checkpointFile}.`,
    "Ownership tokens that were pending have ended; devices ask again by themselves.",
    `What was there before is kept as ${restored.database}.replaced.`,
  ];
  if (restored.suspendedClaims.length > 0) {
    notes.push(
      `Check the counts of these claims, then \`fleetmint claim resume\` each: ${restored.suspendedClaims.join(", ")}.`,
    );
  }
  return notes;
}

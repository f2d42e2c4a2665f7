import type { KeyObject } from "node:crypto";
import { Fault } from "../kit/fault.ts";
import { openCheckpoint } from "./checkpoint.ts";
import type { AuditStore } from "./ports.ts";

/**
 * Refuses a database that is older than the checkpoint published beside it: somebody put an old copy in its place, and with it old
 * quotas and certificates that were revoked since. A checkpoint is kept before it is published, so that a crash never looks like that;
 * a restore has begun a new epoch.
 */
export async function refuseRollback(
  store: AuditStore & { epoch(): Promise<number> },
  published: string,
  publicKey: KeyObject,
): Promise<void> {
  const checkpoint = openCheckpoint(published, publicKey);
  if ((await store.epoch()) > checkpoint.epoch) return;
  const latest = await store.latestCheckpoint();
  const isOlder = (latest?.size ?? 0) < checkpoint.size;
  const differs = latest?.size === checkpoint.size && latest.rootHash !== checkpoint.rootHash;
  if (!isOlder && !differs) return;
  const what = isOlder
    ? `holds ${latest?.size ?? 0} audit entries where ${checkpoint.size} were signed`
    : "has another history than was signed";
  throw new Fault(
    "installation_restored",
    `The database ${what}. If it was put back from a copy, run \`fleetmint restore\` with the checkpoint file, so that quotas are reconciled.`,
  );
}

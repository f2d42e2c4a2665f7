// The whole audit log as lines of JSON that anyone can verify without the database or the server; see verify.ts.
import type { KeyObject } from "node:crypto";
import type { AuditStore, StoredCheckpoint } from "./ports.ts";

export const EXPORT_FORMAT = "fleetmint-audit/1";

export interface ExportIdentity {
  readonly origin: string;
  readonly publicKey: KeyObject;
}

const ENTRIES_AT_ONCE = 500;
const CHECKPOINTS = 10_000;

/** A header, then the entries in order; each kept checkpoint follows the last entry it covers. Lines are without line ends. */
export async function* exportAudit(store: AuditStore, identity: ExportIdentity): AsyncGenerator<string> {
  const publicKey = identity.publicKey.export({ format: "der", type: "spki" }).toString("base64");
  yield JSON.stringify({ type: "header", format: EXPORT_FORMAT, origin: identity.origin, publicKey });
  const checkpoints = [...(await store.checkpoints(CHECKPOINTS))];
  const total = await store.entryCount();
  let next = 0;
  yield* covered(checkpoints, next);
  while (next < total) {
    const entries = await store.entries(next, Math.min(ENTRIES_AT_ONCE, total - next));
    if (entries.length === 0) return;
    for (const { index, leafHash, body } of entries) {
      yield JSON.stringify({ type: "entry", index, leafHash, body });
      next = index + 1;
      yield* covered(checkpoints, next);
    }
  }
}

function* covered(checkpoints: StoredCheckpoint[], size: number): Generator<string> {
  for (let first = checkpoints[0]; first !== undefined && first.size <= size; first = checkpoints[0]) {
    yield JSON.stringify({ type: "checkpoint", note: first.note });
    checkpoints.shift();
  }
}

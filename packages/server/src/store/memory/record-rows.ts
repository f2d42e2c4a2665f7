import type { CredentialRecord } from "../../access/ports.ts";
import type { AuditEntry, StoredCheckpoint } from "../../audit/ports.ts";
import type { Change } from "../../broker/ports.ts";
import type { AttemptRecord, EventRecord } from "../../enrollment/ports.ts";
import type { AttemptId } from "../../vocabulary/ids.ts";
import type { AttemptFilter, RecordRows, Slice } from "../rows.ts";
import { Table, type UndoLog, UndoMap } from "./undo.ts";

interface Attempt {
  readonly id: number;
  readonly attempt: AttemptRecord;
}

type Numbered<Row> = Row & { readonly id: number };

export function recordRows(log: UndoLog): RecordRows {
  const attemptTable = new Table<Attempt>(log);
  const eventTable = new Table<Numbered<Omit<EventRecord, "sequence">>>(log);
  const changeTable = new Table<Numbered<{ readonly change: Omit<Change, "sequence"> }>>(log);
  const checkpointTable = new Table<Numbered<StoredCheckpoint>>(log);
  return {
    ...attempts(log, attemptTable),
    ...events(eventTable),
    ...audit(log),
    ...checkpoints(checkpointTable),
    ...changes(changeTable),
    ...credentials(log),
    trim: (keep, slice) =>
      trimTable(attemptTable, keep.attempts, slice) +
      trimTable(eventTable, keep.events, slice) +
      trimTable(changeTable, keep.changes, slice) +
      trimTable(checkpointTable, keep.checkpoints, slice),
  };
}

function trimTable<Row extends { readonly id: number }>(table: Table<Row>, keep: number, slice: number): number {
  const beyond = Math.min(table.size - keep, slice);
  if (beyond <= 0) return 0;
  for (const { id } of table.rows().slice(0, beyond)) table.delete(id);
  return beyond;
}

function newestFirst<Row extends { readonly id: number }>(table: Table<Row>, { after }: Slice): Row[] {
  return table
    .rows()
    .filter(({ id }) => id < (after ?? Number.POSITIVE_INFINITY))
    .reverse();
}

function attempts(log: UndoLog, table: Table<Attempt>): Pick<RecordRows, "putAttempt" | "attempt" | "attempts"> {
  const byId = new UndoMap<AttemptId, number>(log);
  return {
    putAttempt(attempt) {
      const known = table.get(byId.get(attempt.id) ?? 0);
      if (known !== undefined) table.update(known.id, { attempt });
      else byId.set(attempt.id, table.insert({ attempt }));
    },
    attempt: (id) => table.get(byId.get(id) ?? 0)?.attempt,
    attempts: (filter) =>
      newestFirst(table, filter)
        .filter(({ attempt }) => matches(attempt, filter))
        .slice(0, filter.limit)
        .map(({ id, attempt }) => ({ row: id, attempt })),
  };
}

function matches({ principal, outcome, reason }: AttemptRecord, filter: AttemptFilter): boolean {
  if (filter.claimId !== undefined && (principal.kind !== "claim" || principal.id !== filter.claimId)) return false;
  if (filter.outcome !== undefined && outcome !== filter.outcome) return false;
  return filter.reason === undefined || reason === filter.reason;
}

function events(table: Table<Numbered<Omit<EventRecord, "sequence">>>): Pick<RecordRows, "insertEvent" | "events"> {
  return {
    insertEvent: (event) => void table.insert(event),
    events: (slice) =>
      newestFirst(table, slice)
        .slice(0, slice.limit)
        .map(({ id, ...event }) => ({ ...event, sequence: id })),
  };
}

function audit(log: UndoLog): Pick<RecordRows, "insertAudit" | "audit" | "auditCount"> {
  // Keyed by index, counted by size: a rolled back entry leaves no gap.
  const entries = new UndoMap<number, AuditEntry>(log);
  return {
    insertAudit: (body, leafHash) => entries.set(entries.size, { index: entries.size, body, leafHash }),
    audit: (fromIndex, limit) =>
      entries
        .values()
        .filter(({ index }) => index >= fromIndex)
        .slice(0, limit),
    auditCount: () => entries.size,
  };
}

function checkpoints(
  table: Table<Numbered<StoredCheckpoint>>,
): Pick<RecordRows, "latestCheckpoint" | "insertCheckpoint" | "checkpoints"> {
  const shown = ({ id: _id, ...checkpoint }: Numbered<StoredCheckpoint>): StoredCheckpoint => checkpoint;
  return {
    latestCheckpoint: () => table.rows().slice(-1).map(shown)[0],
    insertCheckpoint: (checkpoint) => void table.insert(checkpoint),
    checkpoints: (limit) => table.rows().slice(-limit).map(shown),
  };
}

function changes(
  table: Table<Numbered<{ readonly change: Omit<Change, "sequence"> }>>,
): Pick<RecordRows, "insertChange" | "changes" | "latestChange"> {
  return {
    insertChange: (kind, id) => void table.insert({ change: { kind, id } }),
    changes: (after, limit) =>
      table
        .rows()
        .filter(({ id }) => id > after)
        .slice(0, limit)
        .map(({ id, change }) => ({ sequence: id, ...change })),
    latestChange: () => table.last,
  };
}

function credentials(log: UndoLog): Pick<RecordRows, "credential" | "insertCredential"> {
  const byHash = new UndoMap<string, CredentialRecord>(log);
  return {
    credential: (tokenHash) => byHash.get(tokenHash),
    insertCredential: (credential) => byHash.set(credential.tokenHash, credential),
  };
}

import type { CredentialRecord } from "../../access/ports.ts";
import type { StoredCheckpoint } from "../../audit/ports.ts";
import type { Change } from "../../broker/ports.ts";
import type { AttemptRecord, EventRecord } from "../../enrollment/ports.ts";
import type { RecordRows } from "../rows.ts";
import { bytesOf, hexOf, orNull, type Query, type Sql, type Value } from "./sql.ts";

export function recordRows(sql: Sql): RecordRows {
  return {
    ...attempts(sql),
    ...events(sql),
    ...audit(sql),
    ...checkpoints(sql),
    ...changes(sql),
    ...credentials(sql),
    trim: trim(sql),
  };
}

interface SqlAttempt {
  id: number;
  record: string;
}

function attempts(sql: Sql): Pick<RecordRows, "putAttempt" | "attempt" | "attempts"> {
  const put = sql.command(`INSERT INTO attempts (attempt_id, claim_id, outcome, reason, record) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (attempt_id) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,
    record = excluded.record`);
  const one = sql.query<SqlAttempt>("SELECT id, record FROM attempts WHERE attempt_id = ?");
  return {
    putAttempt(attempt) {
      const claimId = attempt.principal.kind === "claim" ? attempt.principal.id : null;
      put.run(attempt.id, claimId, attempt.outcome, orNull(attempt.reason), JSON.stringify(attempt));
    },
    attempt(id) {
      const row = one.get(id);
      return row && attemptOf(row);
    },
    attempts: attemptLists(sql),
  };
}

/** One statement for each combination of filters, so that each uses its index. */
function attemptLists(sql: Sql): RecordRows["attempts"] {
  const queries = new Map<string, Query<SqlAttempt>>();
  const queryFor = (conditions: readonly string[]): Query<SqlAttempt> => {
    const where = conditions.map((column) => ` AND ${column} = ?`).join("");
    const known = queries.get(where);
    if (known !== undefined) return known;
    const made = sql.query<SqlAttempt>(`SELECT id, record FROM attempts WHERE id < ?${where} ORDER BY id DESC LIMIT ?`);
    queries.set(where, made);
    return made;
  };
  return ({ after, limit, claimId, outcome, reason }) => {
    const filters: readonly (readonly [string, Value | undefined])[] = [
      ["claim_id", claimId],
      ["outcome", outcome],
      ["reason", reason],
    ];
    const used = filters.filter((filter): filter is readonly [string, Value] => filter[1] !== undefined);
    const rows = queryFor(used.map(([column]) => column)).all(
      after ?? Number.MAX_SAFE_INTEGER,
      ...used.map(([, value]) => value),
      limit,
    );
    return rows.map((row) => ({ row: row.id, attempt: attemptOf(row) }));
  };
}

/** Members without a value are absent in JSON; the record has them as undefined. */
function attemptOf(row: SqlAttempt): AttemptRecord {
  const kept = JSON.parse(row.record) as AttemptRecord;
  return {
    ...kept,
    template: kept.template ?? undefined,
    serialNumber: kept.serialNumber ?? undefined,
    reason: kept.reason ?? undefined,
    message: kept.message ?? undefined,
    thingName: kept.thingName ?? undefined,
    certificateId: kept.certificateId ?? undefined,
  };
}

interface SqlEvent {
  id: number;
  at: number;
  kind: string;
  record: string;
}

function events(sql: Sql): Pick<RecordRows, "insertEvent" | "events"> {
  const insert = sql.command("INSERT INTO events (at, kind, record) VALUES (?, ?, ?)");
  const list = sql.query<SqlEvent>("SELECT id, at, kind, record FROM events WHERE id < ? ORDER BY id DESC LIMIT ?");
  return {
    insertEvent: ({ atMs, kind, ...rest }) => void insert.run(atMs, kind, JSON.stringify(rest)),
    events: ({ after, limit }) => list.all(after ?? Number.MAX_SAFE_INTEGER, limit).map(eventOf),
  };
}

function eventOf(row: SqlEvent): EventRecord {
  const kept = JSON.parse(row.record) as Omit<EventRecord, "sequence" | "atMs" | "kind">;
  return {
    sequence: row.id,
    atMs: row.at,
    kind: row.kind,
    reason: kept.reason ?? undefined,
    message: kept.message,
    certificateId: kept.certificateId ?? undefined,
    claimId: kept.claimId ?? undefined,
    thingName: kept.thingName ?? undefined,
    clientId: kept.clientId ?? undefined,
    remoteAddress: kept.remoteAddress ?? undefined,
  };
}

function audit(sql: Sql): Pick<RecordRows, "insertAudit" | "audit" | "auditCount"> {
  const insert = sql.command("INSERT INTO audit_entries (leaf_hash, body) VALUES (?, ?)");
  const list = sql.query<{ id: number; leaf_hash: Uint8Array; body: string }>(
    "SELECT id, leaf_hash, body FROM audit_entries WHERE id > ? ORDER BY id LIMIT ?",
  );
  // Numbers have no gaps, so that the last is the count.
  const last = sql.query<{ last: number | null }>("SELECT max(id) AS last FROM audit_entries");
  return {
    insertAudit: (body, leafHash) => void insert.run(bytesOf(leafHash), body),
    audit: (fromIndex, limit) =>
      list.all(fromIndex, limit).map((row) => ({ index: row.id - 1, body: row.body, leafHash: hexOf(row.leaf_hash) })),
    auditCount: () => last.get()?.last ?? 0,
  };
}

interface SqlCheckpoint {
  size: number;
  root_hash: string;
  at: number;
  frontier: string;
  note: string;
}

function checkpoints(sql: Sql): Pick<RecordRows, "latestCheckpoint" | "insertCheckpoint" | "checkpoints"> {
  const insert = sql.command("INSERT INTO checkpoints (size, root_hash, at, frontier, note) VALUES (?, ?, ?, ?, ?)");
  const newest = sql.query<SqlCheckpoint>(
    "SELECT size, root_hash, at, frontier, note FROM checkpoints ORDER BY id DESC LIMIT ?",
  );
  return {
    latestCheckpoint: () => newest.all(1).map(checkpointOf)[0],
    insertCheckpoint: ({ size, rootHash, atMs, frontier, note }) =>
      void insert.run(size, rootHash, atMs, frontier.join(" "), note),
    checkpoints: (limit) => newest.all(limit).map(checkpointOf).reverse(),
  };
}

function checkpointOf(row: SqlCheckpoint): StoredCheckpoint {
  const frontier = row.frontier === "" ? [] : row.frontier.split(" ");
  return { size: row.size, rootHash: row.root_hash, atMs: row.at, frontier, note: row.note };
}

function changes(sql: Sql): Pick<RecordRows, "insertChange" | "changes" | "latestChange"> {
  const insert = sql.command("INSERT INTO changes (kind, id) VALUES (?, ?)");
  const list = sql.query<{ sequence: number; kind: Change["kind"]; id: string }>(
    "SELECT sequence, kind, id FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
  );
  const latest = sql.query<{ latest: number | null }>("SELECT max(sequence) AS latest FROM changes");
  return {
    insertChange: (kind, id) => void insert.run(kind, id),
    changes: (after, limit) => list.all(after, limit).map(({ sequence, kind, id }) => ({ sequence, kind, id })),
    latestChange: () => latest.get()?.latest ?? 0,
  };
}

interface SqlCredential {
  account_id: CredentialRecord["accountId"];
  role: CredentialRecord["role"];
  created_at: number;
}

function credentials(sql: Sql): Pick<RecordRows, "credential" | "insertCredential"> {
  const one = sql.query<SqlCredential>("SELECT account_id, role, created_at FROM credentials WHERE token_hash = ?");
  const insert = sql.command(`INSERT INTO credentials (token_hash, account_id, role, created_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (token_hash) DO UPDATE SET account_id = excluded.account_id, role = excluded.role`);
  return {
    credential(tokenHash) {
      const row = one.get(tokenHash);
      return row && { accountId: row.account_id, role: row.role, tokenHash, createdAtMs: row.created_at };
    },
    insertCredential: ({ tokenHash, accountId, role, createdAtMs }) =>
      void insert.run(tokenHash, accountId, role, createdAtMs),
  };
}

/** Tables that grow by themselves, with the column that numbers their rows. */
const GROWING = [
  ["attempts", "id"],
  ["events", "id"],
  ["changes", "sequence"],
  ["checkpoints", "id"],
] as const;

function trim(sql: Sql): RecordRows["trim"] {
  const commands = GROWING.map(([table, number]) => ({
    table,
    command: sql.command(`DELETE FROM ${table} WHERE ${number} IN (SELECT ${number} FROM ${table}
      WHERE ${number} <= (SELECT max(${number}) FROM ${table}) - ? ORDER BY ${number} LIMIT ?)`),
  }));
  return (keep, slice) => commands.reduce((sum, { table, command }) => sum + command.run(keep[table], slice), 0);
}

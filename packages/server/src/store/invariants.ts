// Opens a database afresh and checks what must hold whatever happened to the server that wrote it (security.md §5). It has its own SQL
// and uses nothing of the store: a rule that the store gets wrong is not got wrong here in the same way.
import { hash, type KeyObject } from "node:crypto";
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { openCheckpoint } from "../audit/checkpoint.ts";
import { GrowingTree } from "../audit/merkle.ts";

export interface Violation {
  /** `I1`, … of security.md §5; `database` for what SQLite finds itself. */
  readonly invariant: string;
  readonly problem: string;
}

export interface InvariantOptions {
  /** With it the signatures of checkpoints are checked. */
  readonly auditPublicKey?: KeyObject;
  /** With it no certificate may wait whose token expired more than ten minutes before. */
  readonly nowMs?: number;
}

type Report = (invariant: string, problem: string) => void;
type Row = Record<string, string | number | null | Uint8Array>;

/** Pending certificates are ended by a sweep, not to the second. */
const SWEEP_SLACK_MS = 600_000;

export function checkInvariants(file: string, options: InvariantOptions = {}): readonly Violation[] {
  const violations: Violation[] = [];
  const report: Report = (invariant, problem) => void violations.push({ invariant, problem });
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    checkDatabase(database, report);
    checkCertificates(database, report);
    checkRules(database, report);
    if (options.nowMs !== undefined) checkPendingAge(database, report, options.nowMs);
    checkAudit(database, report, options.auditPublicKey);
    checkAudited(database, report);
  } finally {
    database.close();
  }
  for (const path of [file, `${file}-wal`]) checkNoPrivateKey(path, report);
  return violations;
}

function checkDatabase(database: DatabaseSync, report: Report): void {
  for (const row of database.prepare("PRAGMA integrity_check").all()) {
    if (row["integrity_check"] !== "ok") report("database", String(row["integrity_check"]));
  }
  for (const row of database.prepare("PRAGMA foreign_key_check").all()) {
    report("database", `${row["table"]} ${row["rowid"]} names a missing row of ${row["parent"]}`);
  }
}

/** I1: every certificate was on record before it was signed, with these very bytes. */
function checkCertificates(database: DatabaseSync, report: Report): void {
  const rows = database
    .prepare(
      "SELECT c.certificate_id, c.der, i.tbs_hash, i.serial FROM certificates c LEFT JOIN intents i ON i.id = c.id",
    )
    .iterate();
  for (const row of rows as Iterable<Row>) {
    const id = hex(row["certificate_id"]);
    const der = row["der"] as Uint8Array;
    if (row["tbs_hash"] === null) report("I1", `certificate ${id} has no intent`);
    else if (hash("sha256", tbsOf(der), "hex") !== hex(row["tbs_hash"])) {
      report("I1", `certificate ${id} (serial ${row["serial"]}) is not what its intent says`);
    }
    if (hash("sha256", der, "hex") !== id) report("I1", `certificate ${id} has other bytes than its id`);
  }
}

/** The first element of the outer SEQUENCE, header included: what was signed. */
function tbsOf(der: Uint8Array): Uint8Array {
  const outer = headerOf(der, 0);
  const inner = headerOf(der, outer.contentAt);
  return der.subarray(outer.contentAt, inner.contentAt + inner.length);
}

function headerOf(der: Uint8Array, at: number): { readonly contentAt: number; readonly length: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { contentAt: at + 2, length: first };
  const bytes = first & 0x7f;
  let length = 0;
  for (let i = 0; i < bytes; i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  return { contentAt: at + 2 + bytes, length };
}

/** A thing is made by a redemption, which leaves its certificate, or by an operator, which leaves an audit entry. */
const WITHOUT_ORIGIN = `SELECT name AS what FROM things t WHERE NOT EXISTS (SELECT 1 FROM certificates c WHERE c.thing = t.id)
  AND NOT EXISTS (SELECT 1 FROM audit_entries WHERE json_extract(body, '$.event') = 'thing.created'
  AND json_extract(body, '$.subject') = t.name)`;

/** Queries that must find nothing; the column `what` completes the sentence. */
const RULES: readonly (readonly [invariant: string, sentence: string, sql: string])[] = [
  [
    "I1",
    "two intents have the serial number",
    "SELECT serial AS what FROM intents GROUP BY serial HAVING count(*) > 1",
  ],
  [
    "I1",
    "two rows are the certificate",
    "SELECT hex(certificate_id) AS what FROM certificates GROUP BY certificate_id HAVING count(*) > 1",
  ],
  [
    "I2",
    "a device certificate is in use though its token was never redeemed:",
    `SELECT hex(c.certificate_id) AS what FROM certificates c JOIN intents i ON i.id = c.id
     WHERE i.profile = 'device' AND c.status IN ('ACTIVE', 'INACTIVE') AND c.request_digest IS NULL`,
  ],
  [
    "I2",
    "a certificate waits though its token was redeemed:",
    "SELECT hex(certificate_id) AS what FROM certificates WHERE status = 'PENDING_ACTIVATION' AND request_digest IS NOT NULL",
  ],
  [
    "I2",
    "an attempt made a thing that its certificate does not have:",
    `SELECT a.attempt_id AS what FROM attempts a JOIN certificates c ON c.attempt_id = a.attempt_id
     WHERE a.outcome = 'issued' AND (c.request_digest IS NULL
     OR (json_extract(a.record, '$.thingName') IS NOT NULL AND c.thing IS NULL))`,
  ],
  [
    "I2",
    "a retired thing has a certificate in use:",
    `SELECT t.name AS what FROM things t JOIN certificates c ON c.thing = t.id WHERE t.status = 'retired' AND c.status <> 'REVOKED'`,
  ],
  ["I2", "a thing came from nowhere:", WITHOUT_ORIGIN],
  [
    "I3",
    "a certificate waits without a token:",
    "SELECT hex(certificate_id) AS what FROM certificates WHERE status = 'PENDING_ACTIVATION' AND token_expires_at IS NULL",
  ],
  [
    "I4",
    "two certificates have one token:",
    "SELECT hex(token_hash) AS what FROM certificates WHERE token_hash IS NOT NULL GROUP BY token_hash HAVING count(*) > 1",
  ],
  [
    "I4",
    "a token was redeemed by a claim that did not ask for it:",
    `SELECT hex(c.certificate_id) AS what FROM certificates c JOIN intents i ON i.id = c.id
     WHERE i.profile = 'device' AND c.claim IS NOT i.claim`,
  ],
  [
    "I4",
    "a quota is exceeded:",
    "SELECT claim_id AS what FROM claims WHERE redeemed > max_devices OR redeemed < 0 OR pending < 0",
  ],
  [
    "I4",
    "a claim's count is not the number of its redeemed certificates:",
    // A restore takes the larger count from a checkpoint; before one they are equal.
    `SELECT claim_id AS what FROM claims, installation WHERE
     redeemed < (SELECT count(*) FROM certificates c WHERE c.claim = claims.id AND c.request_digest IS NOT NULL)
     OR (epoch = 1 AND redeemed > (SELECT count(*) FROM certificates c WHERE c.claim = claims.id AND c.request_digest IS NOT NULL))`,
  ],
  [
    "I4",
    "a claim's pending count is not the number of certificates that wait and intents that are open:",
    `SELECT claim_id AS what FROM claims, installation WHERE pending <>
     (SELECT count(*) FROM certificates c WHERE c.claim = claims.id AND c.status = 'PENDING_ACTIVATION') +
     (SELECT count(*) FROM intents i WHERE i.claim = claims.id AND i.profile = 'device' AND i.id > swept_intents
      AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.id = i.id))`,
  ],
  [
    "I4",
    "a claim's redemptions by minute do not add up:",
    `SELECT claim_id AS what FROM claims WHERE
     (SELECT coalesce(sum(count), 0) FROM claim_redemptions r WHERE r.claim = claims.id) <>
     (SELECT count(*) FROM certificates c WHERE c.claim = claims.id AND c.request_digest IS NOT NULL)`,
  ],
  [
    "I6",
    "an expected device was provisioned as a thing that does not exist:",
    `SELECT serial_number AS what FROM expected_devices WHERE thing_name IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM things WHERE name = thing_name)`,
  ],
  [
    "I10",
    "a hook's secret is kept in clear:",
    "SELECT name AS what FROM templates WHERE json_extract(hook, '$.kind') = 'webhook' AND json_extract(hook, '$.secret') NOT LIKE 'v1.%'",
  ],
];

function checkRules(database: DatabaseSync, report: Report): void {
  for (const [invariant, sentence, sql] of RULES) {
    for (const row of database.prepare(sql).all()) report(invariant, `${sentence} ${row["what"]}`);
  }
}

/** I3: what waited longer than its token lives has ended. */
function checkPendingAge(database: DatabaseSync, report: Report, nowMs: number): void {
  const rows = database
    .prepare(
      "SELECT hex(certificate_id) AS what FROM certificates WHERE status = 'PENDING_ACTIVATION' AND token_expires_at < ?",
    )
    .all(nowMs - SWEEP_SLACK_MS);
  for (const row of rows) report("I3", `a certificate waits though its token expired: ${row["what"]}`);
}

/** I8: no entry is missing or changed, and every checkpoint is of this tree. */
function checkAudit(database: DatabaseSync, report: Report, publicKey: KeyObject | undefined): void {
  const tree = new GrowingTree();
  const checkpoints = database.prepare("SELECT size, root_hash, note FROM checkpoints ORDER BY id").all() as Row[];
  const compare = (): void => {
    for (let next = checkpoints[0]; next !== undefined && Number(next["size"]) <= tree.size; next = checkpoints[0]) {
      compareCheckpoint(checkpoints.shift() as Row, tree, { report, publicKey });
    }
  };
  for (const row of database
    .prepare("SELECT id, leaf_hash, body FROM audit_entries ORDER BY id")
    .iterate() as Iterable<Row>) {
    const index = Number(row["id"]) - 1;
    if (index !== tree.size) report("I8", `audit entry ${tree.size} is missing`);
    if (hash("sha256", `\0${row["body"]}`, "hex") !== hex(row["leaf_hash"]))
      report("I8", `audit entry ${index} was changed`);
    tree.append(hex(row["leaf_hash"]));
    compare();
  }
  for (const row of checkpoints) report("I8", `a checkpoint covers ${row["size"]} entries, the log has ${tree.size}`);
}

function compareCheckpoint(
  row: Row,
  tree: GrowingTree,
  by: { readonly report: Report; readonly publicKey: KeyObject | undefined },
): void {
  if (row["size"] !== tree.size || row["root_hash"] !== tree.root()) {
    by.report("I8", `the checkpoint of ${row["size"]} entries is not of this log`);
  }
  if (by.publicKey === undefined) return;
  try {
    const note = openCheckpoint(String(row["note"]), by.publicKey);
    if (note.size === row["size"] && note.rootHash === row["root_hash"]) return;
    by.report("I8", `the signed checkpoint of ${note.size} entries is kept with other numbers`);
  } catch (error) {
    by.report("I8", `the checkpoint of ${row["size"]} entries: ${String(error)}`);
  }
}

/** I8: no certificate without an entry that names it, and no redemption without one. */
function checkAudited(database: DatabaseSync, report: Report): void {
  const named = new Set<string>();
  const activated = new Set<string>();
  for (const row of database.prepare("SELECT body FROM audit_entries").iterate() as Iterable<Row>) {
    const entry = JSON.parse(String(row["body"])) as {
      event: string;
      subject: string;
      detail?: { certificateId?: unknown };
    };
    named.add(entry.subject);
    if (typeof entry.detail?.certificateId === "string") named.add(entry.detail.certificateId);
    if (entry.event === "certificate.activated" || entry.event === "certificate.renewed") activated.add(entry.subject);
  }
  for (const row of database
    .prepare("SELECT certificate_id, request_digest FROM certificates")
    .iterate() as Iterable<Row>) {
    const id = hex(row["certificate_id"]);
    if (!named.has(id)) report("I8", `no audit entry names certificate ${id}`);
    if (row["request_digest"] !== null && !activated.has(id))
      report("I8", `no audit entry tells that ${id} was redeemed`);
  }
}

const CHUNK = 1024 * 1024;
const PRIVATE_KEY = "PRIVATE KEY-----";

/** I10: no private key in any page, also not in one that is free. */
function checkNoPrivateKey(path: string, report: Report): void {
  if (!existsSync(path)) return;
  const descriptor = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(CHUNK + PRIVATE_KEY.length);
    let kept = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, kept, CHUNK, null);
      if (read === 0) return;
      if (buffer.subarray(0, kept + read).includes(PRIVATE_KEY)) {
        report("I10", `${path} holds a private key`);
        return;
      }
      const tail = Math.min(kept + read, PRIVATE_KEY.length);
      buffer.copyWithin(0, kept + read - tail, kept + read);
      kept = tail;
    }
  } finally {
    closeSync(descriptor);
  }
}

function hex(bytes: Row[string] | undefined): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString("hex") : "";
}

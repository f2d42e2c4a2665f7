import type { CertificateProfile, CertificateStatus } from "../../registry/ports.ts";
import type { AttemptId, CertificateId, ClaimId, SerialNumber, ThingName } from "../../vocabulary/ids.ts";
import type { CertificateRow, IntentRow, KeyUse, LedgerRows, TokenRow } from "../rows.ts";
import { bytesOf, hexOf, orNull, orUndefined, prefixOf, type Sql, serialPrefixOf } from "./sql.ts";

interface SqlIntent {
  id: number;
  profile: CertificateProfile;
  key_fingerprint: Uint8Array;
  claim: number | null;
  client_id: string | null;
  at: number;
  certified: number;
}

interface SqlKeyUse {
  certificate: number | null;
  profile: CertificateProfile;
  claim: number | null;
  client_id: string | null;
  at: number;
  status: CertificateStatus | null;
  status_reason: string | null;
  thing_name: ThingName | null;
  released: number | null;
}

interface SqlCertificate {
  id: number;
  certificate_id: Uint8Array;
  serial: SerialNumber;
  profile: CertificateProfile;
  status: CertificateStatus;
  status_reason: string | null;
  key_fingerprint: Uint8Array;
  not_before: number;
  not_after: number;
  issued_at: number;
  claim: number | null;
  claim_id: ClaimId | null;
  thing: number | null;
  thing_name: ThingName | null;
}

interface SqlToken {
  id: number;
  certificate_id: Uint8Array;
  status: CertificateStatus;
  status_reason: string | null;
  key_fingerprint: Uint8Array;
  claim: number | null;
  claim_id: ClaimId | null;
  claim_certificate: number;
  client_id: string;
  token_expires_at: number;
  attempt_id: AttemptId;
  not_after: number;
  request_digest: string | null;
  thing_name: ThingName | null;
  device_configuration: string | null;
}

const CERTIFICATE = `SELECT c.id, c.certificate_id, i.serial, i.profile, c.status, c.status_reason, i.key_fingerprint, c.not_before,
  c.not_after, c.issued_at, c.claim, claims.claim_id, c.thing, things.name AS thing_name
  FROM certificates c JOIN intents i ON i.id = c.id
  LEFT JOIN claims ON claims.id = c.claim LEFT JOIN things ON things.id = c.thing`;

export function ledgerRows(sql: Sql): LedgerRows {
  return { ...installationRows(sql), ...intentRows(sql), ...certificateRows(sql), ...tokenRows(sql) };
}

function installationRows(sql: Sql): Pick<LedgerRows, "epoch" | "setEpoch" | "sweptIntents" | "setSweptIntents"> {
  const read = sql.query<{ epoch: number; swept_intents: number }>("SELECT epoch, swept_intents FROM installation");
  const setEpoch = sql.command("UPDATE installation SET epoch = ?");
  const setSwept = sql.command("UPDATE installation SET swept_intents = ?");
  return {
    epoch: () => read.get()?.epoch ?? 0,
    setEpoch: (epoch) => void setEpoch.run(epoch),
    sweptIntents: () => read.get()?.swept_intents ?? 0,
    setSweptIntents: (upTo) => void setSwept.run(upTo),
  };
}

function intentRows(
  sql: Sql,
): Pick<LedgerRows, "intent" | "newestIntentAtMs" | "intentsAfter" | "insertIntent" | "setIntentClaim" | "keyUses"> {
  const intent =
    sql.query<SqlIntent>(`SELECT i.id, i.profile, i.key_fingerprint, i.claim, i.client_id, i.at, c.id IS NOT NULL AS certified
    FROM intents i LEFT JOIN certificates c ON c.id = i.id WHERE i.serial_prefix = ? AND i.serial = ?`);
  const after = sql.query<SqlIntent>(`SELECT i.id, i.profile, i.claim, i.at, c.id IS NOT NULL AS certified
    FROM intents i LEFT JOIN certificates c ON c.id = i.id WHERE i.id > ? ORDER BY i.id LIMIT ?`);
  const newest = sql.query<{ at: number }>("SELECT at FROM intents ORDER BY id DESC LIMIT 1");
  const insert = sql.command(`INSERT INTO intents
    (serial_prefix, key_prefix, claim, at, profile, serial, client_id, tbs_hash, key_fingerprint) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
    WHERE NOT EXISTS (SELECT 1 FROM intents WHERE serial_prefix = ?1 AND serial = ?6)`);
  const setClaim = sql.command("UPDATE intents SET claim = ?2 WHERE id = ?1");
  const keyUses = sql.records(
    `SELECT c.id AS certificate, i.profile, i.claim, i.client_id, i.at, c.status, c.status_reason, t.name AS thing_name,
    t.released FROM intents i LEFT JOIN certificates c ON c.id = i.id LEFT JOIN things t ON t.id = c.thing
    WHERE i.key_prefix = ? AND i.key_fingerprint = ?`,
    keyUseOf,
  );
  return {
    intent(serial) {
      const row = intent.get(serialPrefixOf(serial), serial);
      return row && { ...intentOf(row), publicKeyFingerprint: hexOf(row.key_fingerprint) };
    },
    newestIntentAtMs: () => newest.get()?.at ?? 0,
    intentsAfter: (id, limit) => after.all(id, limit).map(intentOf),
    insertIntent: (row, claim) =>
      insert.run(
        serialPrefixOf(row.serial),
        prefixOf(row.publicKeyFingerprint),
        orNull(claim),
        row.atMs,
        row.profile,
        row.serial,
        orNull(row.clientId),
        bytesOf(row.tbsHash),
        bytesOf(row.publicKeyFingerprint),
      ) === 1,
    setIntentClaim: (row, claim) => void setClaim.run(row, claim),
    keyUses: (key) => keyUses.all(prefixOf(key), bytesOf(key)),
  };
}

function intentOf(row: SqlIntent): Omit<IntentRow, "publicKeyFingerprint"> {
  return {
    id: row.id,
    profile: row.profile,
    claim: orUndefined(row.claim),
    clientId: orUndefined(row.client_id),
    atMs: row.at,
    certified: row.certified === 1,
  };
}

function keyUseOf(row: SqlKeyUse): KeyUse {
  return {
    certificate: orUndefined(row.certificate),
    profile: row.profile,
    claim: orUndefined(row.claim),
    clientId: orUndefined(row.client_id),
    atMs: row.at,
    status: orUndefined(row.status),
    statusReason: orUndefined(row.status_reason),
    thing: row.thing_name === null ? undefined : { name: row.thing_name, released: row.released === 1 },
  };
}

type Certificates =
  | "insertCertificate"
  | "certificate"
  | "certificateByRow"
  | "certificateDer"
  | "certificates"
  | "setCertificateStatus"
  | "pendingCertificates";

function certificateRows(sql: Sql): Pick<LedgerRows, Certificates> {
  const byId = sql.records(`${CERTIFICATE} WHERE c.certificate_prefix = ? AND c.certificate_id = ?`, certificateOf);
  const byRow = sql.records(`${CERTIFICATE} WHERE c.id = ?`, certificateOf);
  const all = sql.records(`${CERTIFICATE} WHERE c.id > ? ORDER BY c.id LIMIT ?`, certificateOf);
  const byClaim = sql.records(`${CERTIFICATE} WHERE c.id > ? AND c.claim = ? ORDER BY c.id LIMIT ?`, certificateOf);
  const byThing = sql.records(
    `${CERTIFICATE} WHERE c.id < ?1 AND c.thing = ?2 AND (?3 IS NULL OR c.claim = ?3) ORDER BY c.id DESC LIMIT ?4`,
    certificateOf,
  );
  const pending = sql.records(
    `${CERTIFICATE} WHERE c.status = 'PENDING_ACTIVATION' AND c.token_expires_at < ?
    ORDER BY c.token_expires_at LIMIT ?`,
    certificateOf,
  );
  const der = sql.query<{ der: Uint8Array }>("SELECT der FROM certificates WHERE id = ?");
  const setStatus = sql.command("UPDATE certificates SET status = ?2, status_reason = ?3 WHERE id = ?1");
  return {
    insertCertificate: insertCertificate(sql),
    certificate: (id) => byId.get(prefixOf(id), bytesOf(id)),
    certificateByRow: (row) => byRow.get(row),
    certificateDer: (row) => der.get(row)?.der ?? new Uint8Array(),
    certificates({ after, limit, claim, thing }) {
      if (thing !== undefined) return byThing.all(after ?? Number.MAX_SAFE_INTEGER, thing, orNull(claim), limit);
      return claim === undefined ? all.all(after ?? 0, limit) : byClaim.all(after ?? 0, claim, limit);
    },
    setCertificateStatus: (row, status, reason) => void setStatus.run(row, status, orNull(reason)),
    pendingCertificates: (beforeMs, limit) => pending.all(beforeMs ?? Number.MAX_SAFE_INTEGER, limit),
  };
}

function insertCertificate(sql: Sql): LedgerRows["insertCertificate"] {
  const insert =
    sql.command(`INSERT INTO certificates (id, certificate_prefix, token_prefix, claim, status, not_before, not_after,
    issued_at, certificate_id, token_hash, token_expires_at, claim_certificate, attempt_id, der)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
    WHERE NOT EXISTS (SELECT 1 FROM certificates WHERE certificate_prefix = ?2 AND certificate_id = ?9)`);
  return ({ intent, certificate, status, claim, token }) =>
    insert.run(
      intent,
      prefixOf(certificate.certificateId),
      token === undefined ? null : prefixOf(token.hash),
      orNull(claim),
      status,
      certificate.notBeforeMs,
      certificate.notAfterMs,
      certificate.issuedAtMs,
      bytesOf(certificate.certificateId),
      token === undefined ? null : bytesOf(token.hash),
      orNull(token?.expiresAtMs),
      orNull(token?.claimCertificate),
      orNull(token?.attemptId),
      certificate.der,
    ) === 1;
}

function tokenRows(sql: Sql): Pick<LedgerRows, "token" | "renewedBy" | "spendToken"> {
  const token = sql.records(
    `SELECT c.id, c.certificate_id, c.status, c.status_reason, i.key_fingerprint, c.claim, claims.claim_id,
    c.claim_certificate, i.client_id, c.token_expires_at, c.attempt_id, c.not_after, c.request_digest, things.name AS thing_name,
    c.device_configuration FROM certificates c JOIN intents i ON i.id = c.id LEFT JOIN claims ON claims.id = c.claim
    LEFT JOIN things ON things.id = c.thing WHERE c.token_prefix = ? AND c.token_hash = ?`,
    tokenOf,
  );
  const renewed = sql.query<{ claim_certificate: number }>(
    `SELECT claim_certificate FROM certificates WHERE id = ? AND claim IS NULL AND claim_certificate IS NOT NULL
    AND request_digest IS NOT NULL`,
  );
  const spend =
    sql.command(`UPDATE certificates SET status = ?2, thing = ?3, request_digest = ?4, device_configuration = ?5
    WHERE id = ?1 AND status = 'PENDING_ACTIVATION' AND request_digest IS NULL`);
  return {
    token: (hash) => token.get(prefixOf(hash), bytesOf(hash)),
    renewedBy: (row) => renewed.get(row)?.claim_certificate,
    spendToken(row, { status, thing, requestDigest, deviceConfiguration }) {
      const spent = spend.run(row, status, orNull(thing), requestDigest, JSON.stringify(deviceConfiguration));
      if (spent !== 1) throw new Error("A token was to be spent twice.");
    },
  };
}

function tokenOf(row: SqlToken): TokenRow {
  return {
    certificate: row.id,
    certificateId: hexOf(row.certificate_id) as CertificateId,
    status: row.status,
    statusReason: orUndefined(row.status_reason),
    publicKeyFingerprint: hexOf(row.key_fingerprint),
    claim: orUndefined(row.claim),
    claimId: orUndefined(row.claim_id),
    claimCertificate: row.claim_certificate,
    clientId: row.client_id,
    expiresAtMs: row.token_expires_at,
    attemptId: row.attempt_id,
    notAfterMs: row.not_after,
    requestDigest: orUndefined(row.request_digest),
    thingName: orUndefined(row.thing_name),
    deviceConfiguration: row.device_configuration === null ? undefined : JSON.parse(row.device_configuration),
  };
}

function certificateOf(row: SqlCertificate): CertificateRow {
  return {
    id: row.id,
    certificateId: hexOf(row.certificate_id) as CertificateId,
    serial: row.serial,
    profile: row.profile,
    status: row.status,
    statusReason: orUndefined(row.status_reason),
    publicKeyFingerprint: hexOf(row.key_fingerprint),
    notBeforeMs: row.not_before,
    notAfterMs: row.not_after,
    issuedAtMs: row.issued_at,
    claim: orUndefined(row.claim),
    claimId: orUndefined(row.claim_id),
    thing: orUndefined(row.thing),
    thingName: orUndefined(row.thing_name),
  };
}

import type { ClaimStatus, ExpectedDevice, Passport } from "../../enrollment/ports.ts";
import type { FaultCode } from "../../vocabulary/faults.ts";
import type { CertificateId, ClaimId, ThingName } from "../../vocabulary/ids.ts";
import type { ClaimRow, ClaimRows, LedgerRows } from "../rows.ts";
import { hexOf, orNull, orUndefined, type Sql } from "./sql.ts";

interface SqlClaim {
  id: number;
  claim_id: ClaimId;
  kind: "shared" | "temporary";
  status: ClaimStatus;
  status_reason: string | null;
  quarantined: number;
  created_at: number;
  max_devices: number;
  not_before: number;
  not_after: number;
  redeemed: number;
  pending: number;
}

const CLAIM = `SELECT id, claim_id, kind, status, status_reason, quarantined, created_at, max_devices, not_before, not_after,
  redeemed, pending FROM claims`;

/** Passports never change, so that the parsed ones of claims in use are kept. */
const PASSPORTS_KEPT = 1000;

export function claimRows(sql: Sql, certificateByRow: LedgerRows["certificateByRow"]): ClaimRows {
  return {
    ...claims(sql),
    ...passports(sql),
    ...claimCertificates(sql, certificateByRow),
    ...expectedDevices(sql),
    ...tallies(sql),
    ...networks(sql),
    ...notedSerials(sql),
  };
}

type Claims =
  | "claim"
  | "claimByRow"
  | "allClaims"
  | "insertClaim"
  | "setClaimStatus"
  | "setClaimQuarantine"
  | "countClaim"
  | "setClaimRedeemed";

function claims(sql: Sql): Pick<ClaimRows, Claims> {
  const byId = sql.records(`${CLAIM} WHERE claim_id = ?`, claimOf);
  const byRow = sql.records(`${CLAIM} WHERE id = ?`, claimOf);
  const all = sql.records(`${CLAIM} ORDER BY id`, claimOf);
  const insert =
    sql.command(`INSERT INTO claims (claim_id, kind, status, quarantined, created_at, not_before, not_after, max_devices,
    redeemed, pending, passport) VALUES (?, ?, 'active', 0, ?, ?, ?, ?, 0, 0, ?)`);
  const setStatus = sql.command("UPDATE claims SET status = ?2, status_reason = ?3 WHERE id = ?1");
  const setQuarantine = sql.command("UPDATE claims SET quarantined = ?2 WHERE id = ?1");
  const count = sql.command("UPDATE claims SET redeemed = redeemed + ?2, pending = pending + ?3 WHERE id = ?1");
  const setRedeemed = sql.command("UPDATE claims SET redeemed = ?2 WHERE id = ?1");
  return {
    claim: (id) => byId.get(id),
    claimByRow: (row) => byRow.get(row),
    allClaims: () => all.all(),
    insertClaim({ claimId, kind, passport, createdAtMs }) {
      const { notBeforeMs, notAfterMs, maxDevices } = passport;
      return insert.insert(claimId, kind, createdAtMs, notBeforeMs, notAfterMs, maxDevices, JSON.stringify(passport));
    },
    setClaimStatus: (row, status, reason) => void setStatus.run(row, status, orNull(reason)),
    setClaimQuarantine: (row, quarantined) => void setQuarantine.run(row, Number(quarantined)),
    countClaim: (row, by) => void count.run(row, by.redeemed, by.pending),
    setClaimRedeemed: (row, redeemed) => void setRedeemed.run(row, redeemed),
  };
}

function claimOf(row: SqlClaim): ClaimRow {
  return {
    id: row.id,
    claimId: row.claim_id,
    kind: row.kind,
    status: row.status,
    statusReason: orUndefined(row.status_reason),
    quarantined: row.quarantined === 1,
    createdAtMs: row.created_at,
    maxDevices: row.max_devices,
    notBeforeMs: row.not_before,
    notAfterMs: row.not_after,
    redeemed: row.redeemed,
    pending: row.pending,
  };
}

function passports(sql: Sql): Pick<ClaimRows, "passport"> {
  const passport = sql.query<{ passport: string }>("SELECT passport FROM claims WHERE id = ?");
  const kept = new Map<number, { readonly text: string; readonly passport: Passport }>();
  return {
    passport(row) {
      const text = passport.get(row)?.passport ?? "{}";
      const known = kept.get(row);
      // A row's number may be given again after a rollback; the text decides.
      if (known?.text === text) return known.passport;
      const parsed = passportOf(text);
      if (kept.size >= PASSPORTS_KEPT) kept.clear();
      kept.set(row, { text, passport: parsed });
      return parsed;
    },
  };
}

function passportOf(text: string): Passport {
  const { batch, supplier, ...rest } = JSON.parse(text) as Passport;
  return { ...rest, batch: batch ?? undefined, supplier: supplier ?? undefined };
}

function claimCertificates(
  sql: Sql,
  certificateByRow: LedgerRows["certificateByRow"],
): Pick<ClaimRows, "addClaimCertificate" | "claimCertificates"> {
  const add = sql.command("INSERT INTO claim_certificates (claim, certificate) VALUES (?, ?)");
  const list = sql.query<{ certificate: number }>(
    "SELECT certificate FROM claim_certificates WHERE claim = ? ORDER BY certificate",
  );
  return {
    addClaimCertificate: (claim, certificate) => void add.run(claim, certificate),
    claimCertificates: (claim) => list.all(claim).flatMap(({ certificate }) => certificateByRow(certificate) ?? []),
  };
}

type Expected = "insertExpected" | "expected" | "setProvisioned" | "expectedPage" | "expectedCounts";

function expectedDevices(sql: Sql): Pick<ClaimRows, Expected> {
  const insert = sql.command(
    "INSERT OR IGNORE INTO expected_devices (claim, serial_number, provisioned) VALUES (?, ?, 0)",
  );
  const one = sql.records(
    "SELECT serial_number, provisioned, thing_name FROM expected_devices WHERE claim = ? AND serial_number = ?",
    expectedOf,
  );
  const page = sql.records(
    `SELECT serial_number, provisioned, thing_name FROM expected_devices
    WHERE claim = ? AND serial_number > ? ORDER BY serial_number LIMIT ?`,
    expectedOf,
  );
  const mark = sql.command(
    "UPDATE expected_devices SET provisioned = 1, thing_name = ?3 WHERE claim = ?1 AND serial_number = ?2",
  );
  const counts = sql.query<{ expected: number; provisioned: number }>(
    "SELECT count(*) AS expected, coalesce(sum(provisioned), 0) AS provisioned FROM expected_devices WHERE claim = ?",
  );
  return {
    insertExpected: (claim, serial) => insert.run(claim, serial) === 1,
    expected: (claim, serial) => one.get(claim, serial),
    setProvisioned: (claim, serial, thingName) => void mark.run(claim, serial, orNull(thingName)),
    expectedPage: (claim, after, limit) => page.all(claim, after ?? "", limit),
    expectedCounts: (claim) => counts.get(claim) ?? { expected: 0, provisioned: 0 },
  };
}

interface SqlExpected {
  serial_number: string;
  provisioned: number;
  thing_name: ThingName | null;
}

function expectedOf(row: SqlExpected): ExpectedDevice {
  const state = row.provisioned === 1 ? "provisioned" : "expected";
  return { serialNumber: row.serial_number, state, thingName: orUndefined(row.thing_name) };
}

function tallies(sql: Sql): Pick<ClaimRows, "countRedemption" | "redemptions" | "countRefusal" | "refusals"> {
  const countRedemption =
    sql.command(`INSERT INTO claim_redemptions (claim, minute, certificate, count, last_at) VALUES (?, ?, ?, 1, ?)
    ON CONFLICT (claim, minute, certificate) DO UPDATE SET count = count + 1, last_at = max(last_at, excluded.last_at)`);
  const redemptions = sql.query<{ certificate_id: Uint8Array; minute: number; count: number; last_at: number }>(
    `SELECT c.certificate_id, r.minute, r.count, r.last_at FROM claim_redemptions r JOIN certificates c ON c.id = r.certificate
    WHERE r.claim = ? ORDER BY r.minute`,
  );
  const countRefusal = sql.command(`INSERT INTO claim_refusals (claim, reason, count, last_at) VALUES (?, ?, 1, ?)
    ON CONFLICT (claim, reason) DO UPDATE SET count = count + 1, last_at = max(last_at, excluded.last_at)`);
  const refusals = sql.query<{ reason: FaultCode; count: number; last_at: number }>(
    "SELECT reason, count, last_at FROM claim_refusals WHERE claim = ? ORDER BY reason",
  );
  return {
    countRedemption: (claim, certificate, minute, atMs) => void countRedemption.run(claim, minute, certificate, atMs),
    redemptions: (claim) =>
      redemptions.all(claim).map((row) => ({
        certificateId: hexOf(row.certificate_id) as CertificateId,
        minute: row.minute,
        count: row.count,
        lastAtMs: row.last_at,
      })),
    countRefusal: (claim, reason, atMs) => void countRefusal.run(claim, reason, atMs),
    refusals: (claim) =>
      refusals.all(claim).map(({ reason, count, last_at }) => ({ reason, count, lastAtMs: last_at })),
  };
}

function networks(sql: Sql): Pick<ClaimRows, "networkKnown" | "networkCount" | "countNetwork" | "networks"> {
  const known = sql.query<{ known: number }>("SELECT 1 AS known FROM claim_networks WHERE claim = ? AND network = ?");
  const total = sql.query<{ total: number }>("SELECT count(*) AS total FROM claim_networks WHERE claim = ?");
  const count =
    sql.command(`INSERT INTO claim_networks (claim, network, first_at, last_at, count) VALUES (?1, ?2, ?3, ?3, ?4)
    ON CONFLICT (claim, network) DO UPDATE SET count = count + ?4, last_at = max(last_at, excluded.last_at)`);
  const list = sql.query<{ network: string; first_at: number; last_at: number; count: number }>(
    "SELECT network, first_at, last_at, count FROM claim_networks WHERE claim = ? ORDER BY first_at, network",
  );
  return {
    networkKnown: (claim, network) => known.get(claim, network) !== undefined,
    networkCount: (claim) => total.get(claim)?.total ?? 0,
    countNetwork: (claim, { network, atMs, times }) => void count.run(claim, network, atMs, times),
    networks: (claim) =>
      list
        .all(claim)
        .map((row) => ({ network: row.network, firstAtMs: row.first_at, lastAtMs: row.last_at, count: row.count })),
  };
}

function notedSerials(sql: Sql): Pick<ClaimRows, "noteSerial" | "notedSerials"> {
  const note = sql.command("INSERT OR IGNORE INTO claim_serials (claim, finding, serial_number) VALUES (?, ?, ?)");
  const trim = sql.command(`DELETE FROM claim_serials WHERE claim = ?1 AND finding = ?2 AND id IN
    (SELECT id FROM claim_serials WHERE claim = ?1 AND finding = ?2 ORDER BY id DESC LIMIT 10 OFFSET ?3)`);
  const list = sql.query<{ serial_number: string }>(
    "SELECT serial_number FROM claim_serials WHERE claim = ? AND finding = ? ORDER BY id",
  );
  return {
    noteSerial(claim, finding, serial, keep) {
      if (note.run(claim, finding, serial) === 1) trim.run(claim, finding, keep);
    },
    notedSerials: (claim, finding) => list.all(claim, finding).map((row) => row.serial_number),
  };
}

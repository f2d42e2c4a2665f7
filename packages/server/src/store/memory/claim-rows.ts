import type { ExpectedDevice, Passport } from "../../enrollment/ports.ts";
import type { FaultCode } from "../../vocabulary/faults.ts";
import type { ClaimId } from "../../vocabulary/ids.ts";
import type { ClaimRow, ClaimRows, LedgerRows } from "../rows.ts";
import { Index, Table, type UndoLog, UndoMap } from "./undo.ts";

export function claimRows(log: UndoLog, certificateByRow: LedgerRows["certificateByRow"]): ClaimRows {
  return {
    ...claims(log),
    ...claimCertificates(log, certificateByRow),
    ...expectedDevices(log),
    ...redemptions(log, certificateByRow),
    ...refusals(log),
    ...networks(log),
    ...notedSerials(log),
  };
}

type Claims =
  | "claim"
  | "claimByRow"
  | "allClaims"
  | "passport"
  | "insertClaim"
  | "setClaimStatus"
  | "setClaimQuarantine"
  | "countClaim"
  | "setClaimRedeemed";

function claims(log: UndoLog): Pick<ClaimRows, Claims> {
  const table = new Table<ClaimRow>(log);
  const passports = new UndoMap<number, Passport>(log);
  const byId = new UndoMap<ClaimId, number>(log);
  return {
    claim: (id) => table.get(byId.get(id) ?? 0),
    claimByRow: (row) => table.get(row),
    allClaims: () => table.rows(),
    passport: (row) => passports.get(row) as Passport,
    insertClaim({ claimId, kind, passport, createdAtMs }) {
      const { maxDevices, notBeforeMs, notAfterMs } = passport;
      const window = { maxDevices, notBeforeMs, notAfterMs, createdAtMs };
      const blank = { status: "active" as const, statusReason: undefined, quarantined: false, redeemed: 0, pending: 0 };
      const id = table.insert({ claimId, kind, ...window, ...blank });
      passports.set(id, passport);
      byId.set(claimId, id);
      return id;
    },
    setClaimStatus: (row, status, statusReason) => table.update(row, { status, statusReason }),
    setClaimQuarantine: (row, quarantined) => table.update(row, { quarantined }),
    countClaim(row, by) {
      const { redeemed, pending } = table.get(row) as ClaimRow;
      table.update(row, { redeemed: redeemed + by.redeemed, pending: pending + by.pending });
    },
    setClaimRedeemed: (row, redeemed) => table.update(row, { redeemed }),
  };
}

function claimCertificates(
  log: UndoLog,
  certificateByRow: LedgerRows["certificateByRow"],
): Pick<ClaimRows, "addClaimCertificate" | "claimCertificates"> {
  const byClaim = new Index<number>(log);
  return {
    addClaimCertificate: (claim, certificate) => byClaim.add(claim, certificate),
    claimCertificates: (claim) => byClaim.of(claim).flatMap((row) => certificateByRow(row) ?? []),
  };
}

type Expected = "insertExpected" | "expected" | "setProvisioned" | "expectedPage" | "expectedCounts";

function expectedDevices(log: UndoLog): Pick<ClaimRows, Expected> {
  const devices = new UndoMap<string, ExpectedDevice & { readonly claim: number }>(log);
  const ofClaim = (claim: number) => devices.values().filter((device) => device.claim === claim);
  const shown = ({ claim: _claim, ...device }: ExpectedDevice & { readonly claim: number }): ExpectedDevice => device;
  return {
    insertExpected(claim, serialNumber) {
      if (devices.has(`${claim} ${serialNumber}`)) return false;
      devices.set(`${claim} ${serialNumber}`, { claim, serialNumber, state: "expected", thingName: undefined });
      return true;
    },
    expected(claim, serialNumber) {
      const device = devices.get(`${claim} ${serialNumber}`);
      return device && shown(device);
    },
    setProvisioned: (claim, serialNumber, thingName) =>
      devices.set(`${claim} ${serialNumber}`, { claim, serialNumber, state: "provisioned", thingName }),
    expectedPage: (claim, after, limit) =>
      ofClaim(claim)
        .filter((device) => device.serialNumber > (after ?? ""))
        .sort((one, other) => (one.serialNumber < other.serialNumber ? -1 : 1))
        .slice(0, limit)
        .map(shown),
    expectedCounts(claim) {
      const all = ofClaim(claim);
      return { expected: all.length, provisioned: all.filter((device) => device.state === "provisioned").length };
    },
  };
}

function redemptions(
  log: UndoLog,
  certificateByRow: LedgerRows["certificateByRow"],
): Pick<ClaimRows, "countRedemption" | "redemptions"> {
  const buckets = new UndoMap<
    string,
    { claim: number; certificate: number; minute: number; count: number; lastAtMs: number }
  >(log);
  return {
    countRedemption(claim, certificate, minute, atMs) {
      const key = `${claim} ${minute} ${certificate}`;
      const before = buckets.get(key);
      const lastAtMs = Math.max(before?.lastAtMs ?? 0, atMs);
      buckets.set(key, { claim, certificate, minute, count: (before?.count ?? 0) + 1, lastAtMs });
    },
    redemptions: (claim) =>
      buckets
        .values()
        .filter((bucket) => bucket.claim === claim)
        .flatMap(({ certificate, minute, count, lastAtMs }) => {
          const row = certificateByRow(certificate);
          return row === undefined ? [] : [{ certificateId: row.certificateId, minute, count, lastAtMs }];
        }),
  };
}

function refusals(log: UndoLog): Pick<ClaimRows, "countRefusal" | "refusals"> {
  const tally = new UndoMap<string, { claim: number; reason: FaultCode; count: number; lastAtMs: number }>(log);
  return {
    countRefusal(claim, reason, atMs) {
      const before = tally.get(`${claim} ${reason}`);
      const lastAtMs = Math.max(before?.lastAtMs ?? 0, atMs);
      tally.set(`${claim} ${reason}`, { claim, reason, count: (before?.count ?? 0) + 1, lastAtMs });
    },
    refusals: (claim) =>
      tally
        .values()
        .filter((row) => row.claim === claim)
        .sort((one, other) => (one.reason < other.reason ? -1 : 1))
        .map(({ reason, count, lastAtMs }) => ({ reason, count, lastAtMs })),
  };
}

interface Network {
  readonly claim: number;
  readonly network: string;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly count: number;
}

function networks(log: UndoLog): Pick<ClaimRows, "networkKnown" | "networkCount" | "countNetwork" | "networks"> {
  const known = new UndoMap<string, Network>(log);
  const ofClaim = (claim: number) => known.values().filter((row) => row.claim === claim);
  return {
    networkKnown: (claim, network) => known.has(`${claim} ${network}`),
    networkCount: (claim) => ofClaim(claim).length,
    countNetwork(claim, { network, atMs, times }) {
      const before = known.get(`${claim} ${network}`);
      const firstAtMs = before?.firstAtMs ?? atMs;
      const lastAtMs = Math.max(before?.lastAtMs ?? atMs, atMs);
      known.set(`${claim} ${network}`, { claim, network, firstAtMs, lastAtMs, count: (before?.count ?? 0) + times });
    },
    networks: (claim) =>
      ofClaim(claim)
        .sort((one, other) => one.firstAtMs - other.firstAtMs || (one.network < other.network ? -1 : 1))
        .map(({ claim: _claim, ...row }) => row),
  };
}

function notedSerials(log: UndoLog): Pick<ClaimRows, "noteSerial" | "notedSerials"> {
  const noted = new UndoMap<string, readonly string[]>(log);
  return {
    noteSerial(claim, finding, serialNumber, keep) {
      const before = noted.get(`${claim} ${finding}`) ?? [];
      if (!before.includes(serialNumber)) noted.set(`${claim} ${finding}`, [...before, serialNumber].slice(-keep));
    },
    notedSerials: (claim, finding) => noted.get(`${claim} ${finding}`) ?? [],
  };
}

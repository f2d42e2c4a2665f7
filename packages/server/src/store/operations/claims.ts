import type { AuditEvent } from "../../audit/ports.ts";
import type { IssuedCertificate } from "../../ca/ports.ts";
import type { ClaimActivity, ClaimRecord, ClaimStatus, ClaimStore } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { ClaimId } from "../../vocabulary/ids.ts";
import type { ClaimRow, RowId, Rows } from "../rows.ts";
import { insertActive, openIntent } from "./issuance.ts";
import { appendAudit, requireClaim } from "./record.ts";

type Request<Name extends keyof ClaimStore> = Parameters<ClaimStore[Name]>[0];

/** A claim is used from few networks; beyond this many more are judged but no longer remembered. */
const NETWORKS_PER_CLAIM = 1000;
const MINUTE_MS = 60_000;

export function claimRecord(rows: Rows, claim: ClaimRow): ClaimRecord {
  const { claimId, kind, status, statusReason, quarantined, createdAtMs, redeemed, pending } = claim;
  const certificates = rows.claimCertificates(claim.id).map((certificate) => ({
    certificateId: certificate.certificateId,
    status: certificate.status,
    notAfterMs: certificate.notAfterMs,
    issuedAtMs: certificate.issuedAtMs,
  }));
  const counts = { createdAtMs, redeemed, pending, certificates };
  return { ...rows.passport(claim.id), claimId, kind, status, statusReason, quarantined, ...counts };
}

export function createClaim(rows: Rows, request: Request<"createClaim">): void {
  const { claimId, kind, passport, certificate } = request;
  if (rows.claim(claimId) !== undefined) throw new Fault("already_exists", `The claim ${claimId} exists already.`);
  const claim = rows.insertClaim({ claimId, kind, passport, createdAtMs: request.nowMs });
  for (const serial of request.expectedSerials) rows.insertExpected(claim, serial);
  addCertificate(rows, claim, certificate);
  appendAudit(rows, request.audit);
}

export function addClaimCertificate(rows: Rows, request: Request<"addClaimCertificate">): void {
  const claim = requireClaim(rows, request.claimId);
  if (claim.status === "disabled") throw disabledForGood(claim);
  addCertificate(rows, claim.id, request.certificate);
  appendAudit(rows, request.audit);
}

function addCertificate(rows: Rows, claim: RowId, certificate: IssuedCertificate): void {
  const intent = openIntent(rows, certificate);
  rows.setIntentClaim(intent.id, claim);
  insertActive(rows, intent, certificate, claim);
  rows.addClaimCertificate(claim, intent.id);
}

export function setClaimStatus(rows: Rows, request: Request<"setClaimStatus">): void {
  const claim = requireClaim(rows, request.claimId);
  if (claim.status === "disabled" && request.status !== "disabled") throw disabledForGood(claim);
  writeStatus(rows, claim, request);
}

function writeStatus(
  rows: Rows,
  claim: ClaimRow,
  to: { readonly status: ClaimStatus; readonly reason: string | undefined; readonly audit: AuditEvent },
): void {
  rows.setClaimStatus(claim.id, to.status, to.reason);
  changed(rows, claim.claimId, to.audit);
}

function disabledForGood(claim: ClaimRow): Fault {
  return new Fault("conflict", `The claim ${claim.claimId} is disabled, which is final; create another.`);
}

/** Quarantine concerns the claim's own connections and those of every device that was born from it. */
export function setClaimQuarantine(rows: Rows, request: Request<"setClaimQuarantine">): void {
  const claim = requireClaim(rows, request.claimId);
  rows.setClaimQuarantine(claim.id, request.quarantined);
  changed(rows, claim.claimId, request.audit);
  rows.insertChange("policies", "");
}

function changed(rows: Rows, claimId: ClaimId, audit: AuditEvent): void {
  appendAudit(rows, audit);
  rows.insertChange("claim", claimId);
}

/** Serial numbers that are listed already stay as they are. */
export function addExpectedDevices(rows: Rows, request: Request<"addExpectedDevices">): void {
  const claim = requireClaim(rows, request.claimId);
  for (const serial of request.serials) rows.insertExpected(claim.id, serial);
  appendAudit(rows, request.audit);
}

export function claimActivity(rows: Rows, claimId: ClaimId, nowMs: number): ClaimActivity {
  const { id } = requireClaim(rows, claimId);
  const redemptions = rows.redemptions(id);
  const counts = rows.expectedCounts(id);
  return {
    refusals: rows.refusals(id),
    redeemedLastHour: redeemedSince(redemptions, nowMs - 60 * MINUTE_MS),
    redeemedLastDay: redeemedSince(redemptions, nowMs - 24 * 60 * MINUTE_MS),
    networks: rows.networks(id),
    unknownSerials: rows.notedSerials(id, "unknown"),
    duplicateSerials: rows.notedSerials(id, "duplicate"),
    expected: counts.expected,
    expectedProvisioned: counts.provisioned,
    byCertificate: rows.claimCertificates(id).map(({ certificateId }) => usageOf(certificateId, redemptions)),
  };
}

type Redemptions = ReturnType<Rows["redemptions"]>;

function redeemedSince(redemptions: Redemptions, sinceMs: number): number {
  const sinceMinute = Math.floor(sinceMs / MINUTE_MS);
  return redemptions.reduce((sum, bucket) => (bucket.minute > sinceMinute ? sum + bucket.count : sum), 0);
}

function usageOf(
  certificateId: ClaimActivity["byCertificate"][number]["certificateId"],
  redemptions: Redemptions,
): ClaimActivity["byCertificate"][number] {
  const own = redemptions.filter((bucket) => bucket.certificateId === certificateId);
  return {
    certificateId,
    redeemed: own.reduce((sum, bucket) => sum + bucket.count, 0),
    lastAtMs: own.length === 0 ? undefined : Math.max(...own.map((bucket) => bucket.lastAtMs)),
  };
}

/** True if the claim was never used from this network. */
export function noteClaimNetwork(
  rows: Rows,
  claimId: ClaimId,
  use: { readonly network: string; readonly atMs: number; readonly times: number },
): boolean {
  const claim = requireClaim(rows, claimId);
  const isNew = !rows.networkKnown(claim.id, use.network);
  if (!isNew || rows.networkCount(claim.id) < NETWORKS_PER_CLAIM) rows.countNetwork(claim.id, use);
  return isNew;
}

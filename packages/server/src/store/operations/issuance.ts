import { certificateRevoked } from "../../audit/events.ts";
import type { AuditEvent } from "../../audit/ports.ts";
import type { IssuanceIntent, IssuedCertificate } from "../../ca/ports.ts";
import type { AttemptRecord, PendingCertificate } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import { checkClaim, checkKey, checkPendingLimit, checkQuota } from "../conditions.ts";
import type { ClaimRow, IntentRow, Rows } from "../rows.ts";
import { saveAttempt } from "./attempts.ts";
import { appendAudit, found } from "./record.ts";

const RESERVED_FOR_MS = LIMITS.ownershipTokenSeconds * 1000;

/** Puts on record what will be signed, and reserves a place among the claim's pending certificates. */
export function recordIntent(rows: Rows, intent: IssuanceIntent): void {
  const claim = intent.claimId === undefined ? undefined : rows.claim(intent.claimId);
  const reserves = intent.profile === "device" && intent.claimId !== undefined;
  if (reserves) checkClaimCanIssue(claim, intent.atMs);
  checkKey(rows.keyUses(intent.publicKeyFingerprint), intent, claim?.id);
  if (!rows.insertIntent(intent, claim?.id)) {
    throw new Fault("conflict", `The serial number ${intent.serial} is on record already.`);
  }
  if (reserves && claim !== undefined) rows.countClaim(claim.id, { redeemed: 0, pending: 1 });
}

function checkClaimCanIssue(claim: ClaimRow | undefined, nowMs: number): asserts claim is ClaimRow {
  checkClaim(claim, nowMs);
  checkQuota(claim);
  checkPendingLimit(claim);
}

/** The intent that the certificate was signed by; a certificate without one is never made known. */
export function openIntent(rows: Rows, certificate: IssuedCertificate): IntentRow {
  const intent = rows.intent(certificate.serial);
  if (intent === undefined)
    throw new Fault("conflict", `No intent is on record for serial number ${certificate.serial}.`);
  if (intent.certified) throw new Fault("conflict", `Serial number ${certificate.serial} has its certificate already.`);
  if (intent.profile !== certificate.profile || intent.publicKeyFingerprint !== certificate.publicKeyFingerprint) {
    throw new Fault("conflict", `The certificate ${certificate.certificateId} is not what its intent says.`);
  }
  return intent;
}

/** Makes a signed server or CA certificate known. */
export function recordCertificate(rows: Rows, certificate: IssuedCertificate, audit: AuditEvent): void {
  const intent = openIntent(rows, certificate);
  insertActive(rows, intent, certificate);
  appendAudit(rows, audit);
  rows.insertChange("certificate", certificate.certificateId);
}

export function insertActive(rows: Rows, intent: IntentRow, certificate: IssuedCertificate, claim?: number): void {
  insertOnce(rows, { intent: intent.id, certificate, status: "ACTIVE", claim, token: undefined });
}

function insertOnce(rows: Rows, row: Parameters<Rows["insertCertificate"]>[0]): void {
  if (rows.insertCertificate(row)) return;
  throw new Fault("conflict", `The certificate ${row.certificate.certificateId} is known already.`);
}

/** Makes a signed device certificate known, with the token that will activate it. */
export function recordPending(
  rows: Rows,
  pending: PendingCertificate,
  record: { readonly attempt: AttemptRecord; readonly audit: AuditEvent },
): void {
  const { certificate } = pending;
  const intent = openIntent(rows, certificate);
  const claim = found(rows.claim(pending.claimId), "claim", pending.claimId);
  if (intent.claim !== claim.id || intent.clientId !== pending.clientId) {
    throw new Fault("conflict", `The intent of serial number ${certificate.serial} is another claim's or client's.`);
  }
  const claimCertificate = found(
    rows.certificate(pending.claimCertificateId),
    "certificate",
    pending.claimCertificateId,
  );
  const { tokenHash: hash, tokenExpiresAtMs: expiresAtMs, attemptId } = pending;
  const token = { hash, expiresAtMs, attemptId, claimCertificate: claimCertificate.id };
  insertOnce(rows, { intent: intent.id, certificate, status: "PENDING_ACTIVATION", claim: claim.id, token });
  // A signature that took longer than a reservation lasts has lost its place; it is counted again.
  if (intent.id <= rows.sweptIntents()) rows.countClaim(claim.id, { redeemed: 0, pending: 1 });
  saveAttempt(rows, record.attempt);
  appendAudit(rows, record.audit);
}

/** Ends pending certificates whose token expired, and reservations whose certificate never came. */
export function expirePending(rows: Rows, nowMs: number, limit: number): number {
  const ended = rows.pendingCertificates(nowMs, limit);
  for (const certificate of ended) {
    endPending(rows, certificate, "token_expired");
    const { certificateId } = certificate;
    appendAudit(
      rows,
      certificateRevoked({ actor: "system", certificateId, atMs: nowMs, detail: { reason: "token_expired" } }),
    );
  }
  releaseReservations(rows, nowMs, limit);
  return ended.length;
}

export function endPending(
  rows: Rows,
  certificate: { readonly id: number; readonly claim: number | undefined },
  reason: string,
): void {
  rows.setCertificateStatus(certificate.id, "REVOKED", reason);
  if (certificate.claim !== undefined) rows.countClaim(certificate.claim, { redeemed: 0, pending: -1 });
}

function releaseReservations(rows: Rows, nowMs: number, limit: number): void {
  let upTo: number | undefined;
  for (const intent of rows.intentsAfter(rows.sweptIntents(), limit)) {
    if (nowMs - intent.atMs < RESERVED_FOR_MS) break;
    const reserved = intent.profile === "device" && intent.claim !== undefined;
    if (reserved && !intent.certified) rows.countClaim(intent.claim as number, { redeemed: 0, pending: -1 });
    upTo = intent.id;
  }
  if (upTo !== undefined) rows.setSweptIntents(upTo);
}

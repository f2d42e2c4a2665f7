import type { AuditEvent } from "../../audit/ports.ts";
import type { ActivateRenewal, AttemptRecord, PendingRenewal } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { CertificateId, ThingName } from "../../vocabulary/ids.ts";
import { checkKeyOwner, checkTokenOpen } from "../conditions.ts";
import type { CertificateRow, Rows } from "../rows.ts";
import { saveAttempt } from "./attempts.ts";
import { openIntent } from "./issuance.ts";
import { appendAudit, found } from "./record.ts";

/** Stands where a claim's token has the digest of its request: the device has nothing to choose. */
const RENEWAL_DIGEST = "renewal";

/** Makes a renewed certificate known, with the token that will activate it. It counts against no claim. */
export function recordRenewal(
  rows: Rows,
  pending: PendingRenewal,
  record: { readonly attempt: AttemptRecord; readonly audit: AuditEvent },
): void {
  const intent = openIntent(rows, pending.certificate);
  const renewed = activeOn(rows, pending.renews, pending.thingName);
  const { tokenHash: hash, tokenExpiresAtMs: expiresAtMs, attemptId, certificate } = pending;
  const token = { hash, expiresAtMs, attemptId, claimCertificate: renewed.id };
  if (
    !rows.insertCertificate({ intent: intent.id, certificate, status: "PENDING_ACTIVATION", claim: undefined, token })
  ) {
    throw new Fault("conflict", `The certificate ${certificate.certificateId} is known already.`);
  }
  saveAttempt(rows, record.attempt);
  appendAudit(rows, record.audit);
}

/** Binds the renewed certificate to the thing, beside the one it renews. */
export function activateRenewal(rows: Rows, request: ActivateRenewal): void {
  const token = rows.token(request.tokenHash);
  if (token === undefined || token.claim !== undefined) throw new Fault("token_unknown");
  const renewed = rows.certificateByRow(token.claimCertificate);
  if (renewed?.thing === undefined || renewed.thingName !== request.thingName)
    throw new Fault("token_principal_mismatch");
  if (token.requestDigest !== undefined) return;
  checkTokenOpen(token, request.nowMs);
  // Whoever holds an identity that was taken away meanwhile must not get another one out of it.
  checkActive(renewed, request.thingName);
  checkKeyOwner(rows.keyUses(token.publicKeyFingerprint), request.thingName);
  const { certificate, certificateId, attemptId } = token;
  rows.spendToken(certificate, {
    status: "ACTIVE",
    thing: renewed.thing,
    requestDigest: RENEWAL_DIGEST,
    deviceConfiguration: {},
  });
  // What hangs on the certificate itself goes on hanging there; the thing's own policies need no care.
  for (const policy of rows.attached({ kind: "certificate", row: renewed.id })) {
    rows.attach(policy.id, { kind: "certificate", row: certificate });
  }
  rows.insertChange("certificate", certificateId);
  const begun = rows.attempt(attemptId);
  if (begun !== undefined) saveAttempt(rows, request.complete(begun));
  appendAudit(rows, request.audit(certificateId));
}

/** Ends the certificate that was renewed, once its successor has connected. */
export function supersede(
  rows: Rows,
  request: { readonly supersedes: CertificateId; readonly audit: AuditEvent },
): void {
  const renewed = rows.certificate(request.supersedes);
  if (renewed?.status !== "ACTIVE") return;
  rows.setCertificateStatus(renewed.id, "REVOKED", "superseded");
  rows.insertChange("certificate", renewed.certificateId);
  appendAudit(rows, request.audit);
}

function activeOn(rows: Rows, certificateId: CertificateId, thingName: ThingName): CertificateRow {
  const certificate = found(rows.certificate(certificateId), "certificate", certificateId);
  checkActive(certificate, thingName);
  return certificate;
}

function checkActive({ status, thingName: boundTo }: CertificateRow, thingName: ThingName): void {
  if (status === "ACTIVE" && boundTo === thingName) return;
  throw new Fault("certificate_revoked", `The certificate to renew is ${status}, not ACTIVE on ${thingName}.`);
}

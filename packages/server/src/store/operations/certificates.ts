import { certificateRevoked } from "../../audit/events.ts";
import { Fault } from "../../kit/fault.ts";
import type { CertificateRecord, RegistryStore } from "../../registry/ports.ts";
import type { CertificateRow, Rows } from "../rows.ts";
import { endPending } from "./issuance.ts";
import { appendAudit, found } from "./record.ts";

type StatusRequest = Parameters<RegistryStore["setCertificateStatus"]>[0];

export function certificateRecord(rows: Rows, row: CertificateRow): CertificateRecord {
  return { ...withoutRows(row), der: rows.certificateDer(row.id) };
}

/** The record without row numbers and without DER. */
export function withoutRows(row: CertificateRow): Omit<CertificateRecord, "der"> {
  const { id: _id, claim: _claim, thing: _thing, ...record } = row;
  return record;
}

export function setCertificateStatus(rows: Rows, request: StatusRequest): void {
  const certificate = found(rows.certificate(request.id), "certificate", request.id);
  checkTransition(certificate, request);
  if (certificate.status === "PENDING_ACTIVATION") endPending(rows, certificate, request.reason);
  else rows.setCertificateStatus(certificate.id, request.status, reasonFor(request));
  appendAudit(rows, request.audit);
  rows.insertChange("certificate", certificate.certificateId);
  if (request.status === "REVOKED" && request.reason === "key_compromise")
    endOthersOfKey(rows, certificate, request.audit);
}

/** Whoever has the key has every certificate of it: those that were renewed, added or asked for with it end as well. */
function endOthersOfKey(rows: Rows, compromised: CertificateRow, { actor, atMs }: StatusRequest["audit"]): void {
  for (const use of rows.keyUses(compromised.publicKeyFingerprint)) {
    const other = use.certificate === undefined ? undefined : rows.certificateByRow(use.certificate);
    if (other === undefined || other.status === "REVOKED") continue;
    const { certificateId } = other;
    if (other.status === "PENDING_ACTIVATION") endPending(rows, other, "key_compromise");
    else rows.setCertificateStatus(other.id, "REVOKED", "key_compromise");
    const detail = { reason: "key_compromise", sameKeyAs: compromised.certificateId };
    appendAudit(rows, certificateRevoked({ actor, certificateId, atMs, detail }));
    rows.insertChange("certificate", certificateId);
  }
}

function reasonFor({ status, reason }: StatusRequest): string | undefined {
  return status === "ACTIVE" ? undefined : reason;
}

function checkTransition(certificate: CertificateRow, { status, reason }: StatusRequest): void {
  const { certificateId: id, status: from } = certificate;
  if (from === "PENDING_ACTIVATION" && status !== "REVOKED") {
    throw new Fault(
      "conflict",
      `The certificate ${id} waits for its ownership token; until then it can only be revoked.`,
    );
  }
  if (from !== "REVOKED") return;
  // What is learnt later may make the reason graver, never milder: a compromised key stays blocked.
  const graver = status === "REVOKED" && reason === "key_compromise" && certificate.statusReason !== reason;
  if (!graver) throw new Fault("conflict", `The certificate ${id} is revoked, which is final.`);
}

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

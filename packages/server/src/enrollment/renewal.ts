// Renewal: a device asks for its next certificate on its own connection, with the identity it has. No claim, no template, no hook: what
// the thing may do hangs on the thing. The present certificate stays until the new one has really connected.
import type { KeyInfo } from "@fleetmint/pki";
import { certificateIssued, certificateRenewed } from "../audit/events.ts";
import type { IssuedCertificate } from "../ca/ports.ts";
import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import type { RegistryStore } from "../registry/ports.ts";
import type { CertificateId, ThingName } from "../vocabulary/ids.ts";
import { AttemptLog, type Origin } from "./attempt-log.ts";
import {
  type CertificateRequest,
  DEVICE_COMMON_NAME,
  hashToken,
  type RequestCertificatePorts,
  type RequestedCertificate,
} from "./request-certificate.ts";
import { takeStep } from "./steps.ts";

export interface RenewalPorts extends RequestCertificatePorts {
  readonly registry: Pick<RegistryStore, "certificate">;
}

export interface RenewalRequest {
  readonly origin: Origin;
  readonly thingName: ThingName;
  /** The certificate the device is connected with. */
  readonly certificateId: CertificateId;
  readonly key: CertificateRequest["key"];
}

export interface ActivateRenewalCommand {
  readonly thingName: ThingName;
  readonly clientId: string;
  readonly ownershipToken: string;
}

/** Issues the next certificate; it waits for `activateRenewal`. */
export async function requestRenewal(
  ports: RenewalPorts,
  attempt: AttemptLog,
  request: RenewalRequest,
): Promise<RequestedCertificate> {
  const { clock } = ports;
  const present = await takeStep(attempt, clock, {
    name: "certificate",
    run: () => presentCertificate(ports, request),
    say: (found) => `Renews ${found.certificateId} of ${request.thingName}.`,
  });
  const { key, privateKeyPem } = await takeStep(attempt, clock, {
    name: request.key.kind === "csr" ? "csr" : "key",
    run: () => obtainKey(ports, request.key),
    say: (obtained) => `${obtained.key.algorithm}, SHA-256 ${obtained.key.fingerprint.slice(0, 16)}….`,
  });
  const certificate = await takeStep(attempt, clock, {
    name: "issue",
    run: () =>
      ports.ca.issue({
        profile: "device",
        key,
        commonName: DEVICE_COMMON_NAME,
        lifetimeMs: present.notAfterMs - present.issuedAtMs,
        claimId: undefined,
        clientId: request.origin.clientId,
      }),
    say: (issued) => `Certificate ${issued.certificateId} until ${new Date(issued.notAfterMs).toISOString()}.`,
  });
  attempt.certificateId = certificate.certificateId;
  const ownershipToken = Buffer.from(ports.random.bytes(32)).toString("base64url");
  await record(ports, attempt, { request, certificate, ownershipToken });
  return { certificate, ownershipToken, privateKeyPem };
}

/** Activates the renewed certificate beside the present one. A retry with the same token gets the same answer. */
export async function activateRenewal(ports: RenewalPorts, command: ActivateRenewalCommand): Promise<void> {
  if (command.ownershipToken === "") throw new Fault("token_missing");
  const nowMs = ports.clock.now();
  const { thingName } = command;
  await ports.store.activateRenewal({
    tokenHash: hashToken(command.ownershipToken),
    thingName,
    nowMs,
    complete: (begun) => AttemptLog.resume(begun).issued(thingName, [`certificate ${begun.certificateId} ACTIVE`]),
    audit: (certificateId) =>
      certificateRenewed({ actor: `device:${thingName}`, certificateId, atMs: nowMs, detail: { thingName } }),
  });
}

async function presentCertificate(
  ports: RenewalPorts,
  request: RenewalRequest,
): Promise<{ certificateId: CertificateId; issuedAtMs: number; notAfterMs: number }> {
  ports.guard.admitRenewal(request.thingName);
  const present = await ports.registry.certificate(request.certificateId);
  if (present?.status !== "ACTIVE")
    throw new Fault("certificate_revoked", "The certificate to renew is not active any more.");
  return present;
}

function obtainKey(
  ports: RenewalPorts,
  wanted: CertificateRequest["key"],
): { key: KeyInfo; privateKeyPem: string | undefined } | Promise<{ key: KeyInfo; privateKeyPem: string | undefined }> {
  if (wanted.kind === "csr") return { key: ports.ca.readCsr(wanted.pem), privateKeyPem: undefined };
  return ports.ca.generateKey(wanted.algorithm ?? "EC_P256");
}

async function record(
  ports: RenewalPorts,
  attempt: AttemptLog,
  made: { request: RenewalRequest; certificate: IssuedCertificate; ownershipToken: string },
): Promise<void> {
  const { request, certificate } = made;
  const { certificateId, serial, profile } = certificate;
  const nowMs = ports.clock.now();
  await ports.store.recordRenewal(
    {
      certificate,
      thingName: request.thingName,
      renews: request.certificateId,
      tokenHash: hashToken(made.ownershipToken),
      tokenExpiresAtMs: nowMs + LIMITS.ownershipTokenSeconds * 1000,
      attemptId: attempt.id,
    },
    attempt.pending(),
    certificateIssued({
      actor: `device:${request.thingName}`,
      certificateId,
      atMs: nowMs,
      detail: { serial, profile, renews: request.certificateId },
    }),
  );
}

import { createHash } from "node:crypto";
import type { KeyInfo } from "@fleetmint/pki";
import { certificateIssued } from "../audit/events.ts";
import type { CertificateAuthority } from "../ca/authority.ts";
import type { IssuedCertificate } from "../ca/ports.ts";
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import { faultPoint } from "../kit/fault-points.ts";
import { LIMITS } from "../kit/limits.ts";
import { newId, type Random } from "../kit/random.ts";
import type { AttemptId, CertificateId, ClaimId } from "../vocabulary/ids.ts";
import { AttemptLog, type Origin } from "./attempt-log.ts";
import type { ClaimGuard } from "./claim-guard.ts";
import type { AttemptStore, ClaimRecord, ClaimStore, EnrollmentStore, KeyAlgorithm } from "./ports.ts";
import { takeStep } from "./steps.ts";
import type { TemplateCatalog } from "./template-catalog.ts";
import type { TokenDeadlines } from "./token-deadlines.ts";

const DAY_MS = 24 * 3600 * 1000;
/** What every device certificate is called: nothing that a device supplies enters a name. */
export const DEVICE_COMMON_NAME = "Fleetmint device";

export interface RequestCertificatePorts {
  readonly clock: Clock;
  readonly deadlines: TokenDeadlines;
  readonly random: Random;
  readonly ca: CertificateAuthority;
  readonly claims: ClaimStore;
  readonly store: EnrollmentStore & AttemptStore;
  readonly templates: TemplateCatalog;
  readonly guard: ClaimGuard;
}

export interface CertificateRequest {
  readonly origin: Origin;
  readonly claimId: ClaimId;
  /** The certificate of the claim that this connection presented. */
  readonly claimCertificateId: CertificateId;
  /** A CSR, or which key to make for the device. */
  readonly key:
    | { readonly kind: "csr"; readonly pem: string }
    | { readonly kind: "make"; readonly algorithm: KeyAlgorithm | undefined };
}

export interface RequestedCertificate {
  readonly certificate: IssuedCertificate;
  readonly ownershipToken: string;
  /** Only where the key was made here. */
  readonly privateKeyPem: string | undefined;
}

export function beginAttempt(ports: { readonly clock: Clock; readonly random: Random }, origin: Origin): AttemptLog {
  const nowMs = ports.clock.now();
  return new AttemptLog(newId("attempt", nowMs, ports.random) as AttemptId, origin, nowMs);
}

/** Issues a certificate that stays pending until its ownership token is redeemed. */
export async function requestCertificate(
  ports: RequestCertificatePorts,
  attempt: AttemptLog,
  request: CertificateRequest,
): Promise<RequestedCertificate> {
  const { clock } = ports;
  faultPoint("certificate-requested");
  const claim = await takeStep(attempt, clock, {
    name: "claim",
    run: () => usableClaim(ports, request.claimId),
    say: (found) => `Claim ${found.claimId}: ${found.redeemed} of ${found.maxDevices} devices used.`,
  });
  const { key, privateKeyPem } = await takeStep(attempt, clock, {
    name: request.key.kind === "csr" ? "csr" : "key",
    run: () => obtainKey(ports.ca, claim, request.key),
    say: (obtained) => `${obtained.key.algorithm}, SHA-256 ${obtained.key.fingerprint.slice(0, 16)}….`,
  });
  const certificate = await takeStep(attempt, clock, {
    name: "issue",
    run: () => issueForClaim(ports, claim, key, request.origin.clientId),
    say: (issued) => `Certificate ${issued.certificateId} until ${new Date(issued.notAfterMs).toISOString()}.`,
  });
  const ownershipToken = Buffer.from(ports.random.bytes(32)).toString("base64url");
  attempt.certificateId = certificate.certificateId;
  await recordPending(ports, attempt, { request, certificate, ownershipToken });
  ports.deadlines.begin(hashToken(ownershipToken));
  faultPoint("certificate-recorded");
  return { certificate, ownershipToken, privateKeyPem };
}

/** Ownership tokens are stored hashed: who reads the database cannot redeem. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

async function usableClaim(ports: RequestCertificatePorts, claimId: ClaimId): Promise<ClaimRecord> {
  const claim = await ports.claims.claim(claimId);
  if (claim === undefined) throw new Fault("claim_disabled", `The claim ${claimId} does not exist.`);
  ports.guard.admitRequest(claim);
  return claim;
}

async function obtainKey(
  ca: CertificateAuthority,
  claim: ClaimRecord,
  wanted: CertificateRequest["key"],
): Promise<{ key: KeyInfo; privateKeyPem: string | undefined }> {
  if (wanted.kind === "csr") return { key: ca.readCsr(wanted.pem), privateKeyPem: undefined };
  return ca.generateKey(wanted.algorithm ?? claim.keyAlgorithm);
}

async function issueForClaim(
  ports: RequestCertificatePorts,
  claim: ClaimRecord,
  key: KeyInfo,
  clientId: string,
): Promise<IssuedCertificate> {
  // The template is chosen only at RegisterThing; of those the claim may use, the shortest lifetime holds.
  const days = await Promise.all(claim.templates.map((name) => ports.templates.certificateDays(name)));
  return ports.ca.issue({
    profile: "device",
    key,
    commonName: DEVICE_COMMON_NAME,
    lifetimeMs: Math.min(...days) * DAY_MS,
    claimId: claim.claimId,
    clientId,
  });
}

async function recordPending(
  ports: RequestCertificatePorts,
  attempt: AttemptLog,
  made: { request: CertificateRequest; certificate: IssuedCertificate; ownershipToken: string },
): Promise<void> {
  const { request, certificate } = made;
  const nowMs = ports.clock.now();
  await ports.store.recordPending(
    {
      certificate,
      claimId: request.claimId,
      claimCertificateId: request.claimCertificateId,
      clientId: request.origin.clientId,
      tokenHash: hashToken(made.ownershipToken),
      tokenExpiresAtMs: nowMs + LIMITS.ownershipTokenSeconds * 1000,
      attemptId: attempt.id,
    },
    attempt.pending(),
    certificateIssued({
      actor: `claim:${request.claimId}`,
      certificateId: certificate.certificateId,
      atMs: nowMs,
      detail: { serial: certificate.serial, profile: certificate.profile, clientId: request.origin.clientId },
    }),
  );
}

// The verdict at CONNECT, by the full SHA-256 of the certificate in the registry. TLS has proved possession of the key; whether
// that key opens anything is decided here, and nowhere else.
import { createHash } from "node:crypto";
import { certificateRevoked } from "../audit/events.ts";
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import type { MessageAuthorizer } from "../policies/authorizer.ts";
import { claimAuthorizer } from "../policies/claim-authorizer.ts";
import type { CertificateId, ClaimId, ThingName } from "../vocabulary/ids.ts";
import type { DevicePrincipal } from "../vocabulary/principal.ts";
import type { Enrollment } from "./enrollment.ts";
import { createNetworkNotes } from "./network-notes.ts";
import { isInNetworks } from "./networks.ts";
import type { AdmissionStore, ClaimRecord, ConnectionRecord, EnrollmentStore, EventStore } from "./ports.ts";
import { suspension } from "./suspension.ts";

export interface AdmissionPorts {
  readonly clock: Clock;
  readonly store: AdmissionStore & EventStore & Pick<EnrollmentStore, "supersede">;
  readonly enrollment: Pick<Enrollment, "recordDenial">;
  /** Builds what a device may do from its policies. */
  readonly deviceAuthorizer: (record: ConnectionRecord, candidate: Candidate) => MessageAuthorizer;
}

/** A client at CONNECT. */
export interface Candidate {
  readonly certificateDer: Uint8Array | undefined;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly persistent: boolean;
  readonly hasWill: boolean;
}

export interface AdmittedCandidate {
  readonly principal: DevicePrincipal;
  readonly authorizer: MessageAuthorizer;
  readonly notAfterMs: number;
  readonly certificateId: CertificateId;
  readonly claimId: ClaimId | undefined;
  readonly thingName: ThingName | undefined;
  /** Of a renewed certificate at its first connection: the one that ends now. */
  readonly supersedes?: CertificateId | undefined;
}

export interface CandidateAdmission {
  admit(candidate: Candidate): Promise<AdmittedCandidate>;
  readmit(candidate: Candidate, previous: AdmittedCandidate): Promise<AdmittedCandidate>;
}

export function createAdmission(ports: AdmissionPorts): CandidateAdmission {
  const networks = createNetworkNotes(ports);
  return {
    async admit(candidate) {
      const judged = await judge(ports, candidate);
      if (judged.principal.kind === "claim") await networks.note(judged.principal.claimId, candidate);
      else if (judged.supersedes !== undefined && mayConnect(judged, candidate)) {
        await supersede(ports, judged.certificateId, judged.supersedes);
      }
      return judged;
    },
    readmit: (candidate) => judge(ports, candidate),
  };
}

/** A device whose new certificate is not let in needs the old one. */
function mayConnect({ authorizer }: AdmittedCandidate, { persistent }: Candidate): boolean {
  return authorizer.connect({ persistent, willTopic: undefined });
}

async function judge(ports: AdmissionPorts, candidate: Candidate): Promise<AdmittedCandidate> {
  let record: ConnectionRecord | undefined;
  try {
    if (candidate.certificateDer === undefined) throw new Fault("certificate_missing");
    const certificateId = createHash("sha256").update(candidate.certificateDer).digest("hex") as CertificateId;
    record = await ports.store.connection(certificateId);
    return verdict(ports, record, candidate);
  } catch (error) {
    await recordRefusal(ports, candidate, { record, error });
    throw error;
  }
}

function verdict(ports: AdmissionPorts, record: ConnectionRecord | undefined, candidate: Candidate): AdmittedCandidate {
  if (record === undefined) throw new Fault("certificate_unknown");
  const nowMs = ports.clock.now();
  checkCertificate(record, nowMs);
  const common = { notAfterMs: record.certificate.notAfterMs, certificateId: record.certificate.certificateId };
  switch (record.certificate.profile) {
    case "claim":
    case "temporary-claim":
      return { ...common, ...admitClaim(record, candidate, nowMs) };
    case "device": {
      const thingName = record.thing?.name;
      const principal: DevicePrincipal = { kind: "device", certificateId: common.certificateId, thingName };
      return {
        ...common,
        principal,
        authorizer: ports.deviceAuthorizer(record, candidate),
        claimId: record.certificate.claimId,
        thingName,
        supersedes: record.supersedes,
      };
    }
    default:
      // A server or CA certificate opens no device connection, whoever holds its key.
      throw new Fault(
        "certificate_unknown",
        `A certificate of profile ${record.certificate.profile} is not a device's.`,
      );
  }
}

function checkCertificate({ certificate }: ConnectionRecord, nowMs: number): void {
  if (certificate.status === "REVOKED") {
    throw new Fault(
      "certificate_revoked",
      `The certificate was revoked (${certificate.statusReason ?? "no reason recorded"}).`,
    );
  }
  if (certificate.status === "PENDING_ACTIVATION") throw new Fault("certificate_pending");
  if (certificate.status === "INACTIVE") throw new Fault("certificate_inactive");
  if (nowMs < certificate.notBeforeMs) throw new Fault("certificate_not_yet_valid");
  if (nowMs >= certificate.notAfterMs) {
    throw new Fault(
      "certificate_expired",
      `The certificate expired at ${new Date(certificate.notAfterMs).toISOString()}.`,
    );
  }
}

function admitClaim(
  record: ConnectionRecord,
  candidate: Candidate,
  nowMs: number,
): Pick<AdmittedCandidate, "principal" | "authorizer" | "claimId" | "thingName"> {
  const { claim, certificate } = record;
  if (claim === undefined) throw new Fault("certificate_unknown", "The claim of this certificate does not exist.");
  checkClaim(claim, nowMs);
  if (!isInNetworks(claim.networks, candidate.remoteAddress)) {
    throw new Fault(
      "claim_network_refused",
      `${candidate.remoteAddress} is outside the claim's networks (${claim.networks.join(", ")}).`,
    );
  }
  if (candidate.hasWill) throw new Fault("claim_connect_refused", "A claim connection may have no will.");
  return {
    principal: { kind: "claim", claimId: claim.claimId, certificateId: certificate.certificateId },
    authorizer: claimAuthorizer({ templates: claim.templates }),
    claimId: claim.claimId,
    thingName: undefined,
  };
}

function checkClaim(claim: ClaimRecord, nowMs: number): void {
  if (claim.status === "disabled")
    throw new Fault("claim_disabled", `The claim was disabled (${claim.statusReason ?? "no reason recorded"}).`);
  if (claim.status === "suspended") throw suspension(claim);
  if (claim.quarantined) throw new Fault("claim_suspended", "The claim is quarantined.");
  if (nowMs < claim.notBeforeMs) throw new Fault("claim_not_yet_valid");
  if (nowMs >= claim.notAfterMs) throw new Fault("claim_expired");
}

/** A claim's refusal is an attempt; anyone else's is an event. */
async function recordRefusal(
  ports: AdmissionPorts,
  candidate: Candidate,
  refused: { readonly record: ConnectionRecord | undefined; readonly error: unknown },
): Promise<void> {
  const { record, error } = refused;
  if (!(error instanceof Fault)) return;
  const { clientId, remoteAddress } = candidate;
  const claimId = record?.claim?.claimId;
  if (claimId !== undefined) {
    const origin = {
      flow: "claim",
      front: "aws-mqtt",
      clientId,
      remoteAddress,
      principal: { kind: "claim", id: claimId },
    } as const;
    await ports.enrollment.recordDenial({ origin, claimId, step: "connect", error });
    return;
  }
  await ports.store.saveEvent({
    atMs: ports.clock.now(),
    kind: "connection.refused",
    reason: error.code,
    message: error.message,
    certificateId: record?.certificate.certificateId,
    claimId: record?.certificate.claimId,
    thingName: record?.thing?.name,
    clientId,
    remoteAddress,
  });
}

/** The renewed identity has really connected: the one before it is not needed any more. */
async function supersede(
  ports: AdmissionPorts,
  certificateId: CertificateId,
  supersedes: CertificateId,
): Promise<void> {
  const atMs = ports.clock.now();
  const detail = { reason: "superseded", by: certificateId };
  await ports.store.supersede({
    supersedes,
    audit: certificateRevoked({ actor: "system", certificateId: supersedes, atMs, detail }),
  });
}

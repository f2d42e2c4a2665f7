import {
  checkPublicKey,
  generateEcKey,
  type Issuer,
  issue,
  type KeyInfo,
  PkiError,
  parseCsr,
  prepare,
  type RsaKeyPool,
  type Signer,
  verifyCsr,
} from "@fleetmint/pki";
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import { faultPoint } from "../kit/fault-points.ts";
import type { CertificateProfile } from "../registry/ports.ts";
import type { CertificateId, ClaimId, SerialNumber } from "../vocabulary/ids.ts";
import { createClockCheck } from "./clock-check.ts";
import type { IssuanceLedger, IssuedCertificate } from "./ports.ts";

/** A key pair made for a device that cannot make its own; sent once, never stored. */
export interface GeneratedKey {
  readonly key: KeyInfo;
  readonly privateKeyPem: string;
}

export interface IssueRequest {
  readonly profile: Exclude<CertificateProfile, "root" | "issuing-ca">;
  readonly key: KeyInfo;
  readonly commonName: string;
  readonly lifetimeMs: number;
  /** Server certificates only. */
  readonly hostNames?: { readonly dns: readonly string[]; readonly ip: readonly string[] };
  /** Repeated in the transaction that records the intent. */
  readonly claimId: ClaimId | undefined;
  readonly clientId: string | undefined;
}

/** The installation's certificate authority. */
export interface CertificateAuthority {
  /** What devices trust: the root, and the issuing CA beside it so that `openssl verify -CAfile` builds a device's chain too. PEM. */
  readonly trustPem: string;
  /** Sent beside the server certificate, so that a device with the root can build the chain. */
  readonly issuingPem: string;
  /** Reads a CSR, verifies its signature and judges its key; only the key is taken. Faults: csr_malformed, csr_signature_invalid, key_algorithm_refused, key_weak. */
  readCsr(pem: string): KeyInfo;
  generateKey(algorithm: "EC_P256" | "RSA_2048"): Promise<GeneratedKey>;
  /**
   * Prepares (and lints), records the intent, then signs. The certificate is known to the store only when the caller records it, and
   * must not leave the process before.
   */
  issue(request: IssueRequest): Promise<IssuedCertificate>;
}

export interface AuthorityPorts {
  readonly clock: Clock;
  readonly ledger: IssuanceLedger;
  readonly issuer: Issuer;
  readonly signer: Signer;
  readonly rsaKeys: RsaKeyPool;
  readonly rootPem: string;
  readonly issuingPem: string;
  /** When the last certificate was issued, as the ledger has it; 0 where an operator has said that the clock is right. */
  readonly lastIssuedAtMs: number;
}

export function createAuthority(ports: AuthorityPorts): CertificateAuthority {
  const clockCheck = createClockCheck(ports.lastIssuedAtMs);
  return {
    trustPem: ports.rootPem + ports.issuingPem,
    issuingPem: ports.issuingPem,
    readCsr: (pem) => translating(() => verifyCsr(parseCsr(pem))),
    async generateKey(algorithm) {
      if (algorithm === "RSA_2048") {
        const made = await ports.rsaKeys.take();
        return { key: checkPublicKey(made.spki), privateKeyPem: made.privateKeyPem };
      }
      const made = generateEcKey();
      return { key: checkPublicKey(made.spki), privateKeyPem: made.privateKeyPem };
    },
    async issue(request) {
      const nowMs = ports.clock.now();
      clockCheck(nowMs);
      return issueCertificate(ports, request, nowMs);
    },
  };
}

async function issueCertificate(
  ports: AuthorityPorts,
  request: IssueRequest,
  nowMs: number,
): Promise<IssuedCertificate> {
  const prepared = translating(() =>
    prepare(ports.issuer, request.profile, {
      publicKey: request.key,
      subject: { commonName: request.commonName },
      nowMs,
      validForSeconds: Math.floor(request.lifetimeMs / 1000),
      ...(request.hostNames === undefined
        ? {}
        : { alternativeNames: { dns: request.hostNames.dns, ip: request.hostNames.ip } }),
    }),
  );
  faultPoint("certificate-prepared");
  // The serial and what will be signed are on disk before the key is used: no crash can leave a certificate that the store does not know.
  await ports.ledger.recordIntent({
    serial: prepared.serial as SerialNumber,
    tbsHash: prepared.tbsHash,
    profile: request.profile,
    publicKeyFingerprint: request.key.fingerprint,
    claimId: request.claimId,
    clientId: request.clientId,
    atMs: nowMs,
  });
  faultPoint("intent-recorded");
  const issued = await issue(prepared, ports.signer);
  faultPoint("certificate-signed");
  return {
    certificateId: issued.certificateId as CertificateId,
    serial: prepared.serial as SerialNumber,
    profile: request.profile,
    der: issued.der,
    publicKeyFingerprint: request.key.fingerprint,
    notBeforeMs: prepared.notBeforeMs,
    notAfterMs: prepared.notAfterMs,
    issuedAtMs: nowMs,
  };
}

const DEVICE_FAULTS = ["csr_malformed", "csr_signature_invalid", "key_algorithm_refused", "key_weak"] as const;

/** What a device's request can be told keeps its code; everything else is a bug or an operator's matter. */
function translating<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    const code = error instanceof PkiError ? DEVICE_FAULTS.find((known) => known === error.code) : undefined;
    if (code === undefined) {
      if (error instanceof PkiError && error.code === "pem_malformed")
        throw new Fault("csr_malformed", error.message, { cause: error });
      throw error;
    }
    throw new Fault(code, (error as PkiError).message, { cause: error });
  }
}

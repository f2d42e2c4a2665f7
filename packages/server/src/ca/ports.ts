import type { AuditEvent } from "../audit/ports.ts";
import type { CertificateProfile } from "../registry/ports.ts";
import type { CertificateId, ClaimId, SerialNumber } from "../vocabulary/ids.ts";

/** What will be signed, on record before the key is used. */
export interface IssuanceIntent {
  readonly serial: SerialNumber;
  /** Hex SHA-256 of the exact to-be-signed bytes. */
  readonly tbsHash: string;
  readonly profile: CertificateProfile;
  readonly publicKeyFingerprint: string;
  readonly claimId: ClaimId | undefined;
  readonly clientId: string | undefined;
  readonly atMs: number;
}

export interface IssuedCertificate {
  readonly certificateId: CertificateId;
  readonly serial: SerialNumber;
  readonly profile: CertificateProfile;
  readonly der: Uint8Array;
  /** Hex SHA-256 of the SubjectPublicKeyInfo. */
  readonly publicKeyFingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedAtMs: number;
}

/** Nothing is signed that is not on record first. */
export interface IssuanceLedger {
  /**
   * Records what will be signed. With a claim it repeats, in the same transaction: the claim is active and in its window, its
   * quota is not used up (redeemed < maxDevices) and its pending limit (the lesser of twice the remaining quota and
   * LIMITS.pendingPerClaim) not reached; the key is free: not of another thing, claim, server or CA, not revoked for
   * compromise, and pending only for the same (claim, client id). Faults: claim_disabled, claim_suspended, claim_expired,
   * claim_not_yet_valid, claim_quota_exceeded, claim_pending_limit, installation_restored, key_in_use, key_revoked, store_unavailable.
   */
  recordIntent(intent: IssuanceIntent): Promise<void>;
  /** Makes a signed server or CA certificate known as ACTIVE. The intent must exist with the same serial. */
  recordCertificate(certificate: IssuedCertificate, audit: AuditEvent): Promise<void>;
  /** The wall clock's time of the newest intent; 0 where there is none. */
  newestIntentAtMs(): Promise<number>;
  /** The installation's epoch: 1 at init, one more after each restore. Serial numbers begin with it. */
  epoch(): Promise<number>;
}

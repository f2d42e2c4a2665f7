import type { AuditEvent } from "../audit/ports.ts";
import type {
  CertificateId,
  ClaimId,
  GroupName,
  PolicyName,
  SerialNumber,
  ThingName,
  ThingTypeName,
} from "../vocabulary/ids.ts";

export type CertificateStatus = "PENDING_ACTIVATION" | "ACTIVE" | "INACTIVE" | "REVOKED";
export type CertificateProfile = "claim" | "temporary-claim" | "device" | "server" | "issuing-ca" | "root";

export interface CertificateRecord {
  readonly certificateId: CertificateId;
  readonly serial: SerialNumber;
  readonly profile: CertificateProfile;
  readonly status: CertificateStatus;
  /** Why it left ACTIVE: `key_compromise`, `superseded`, `retired`, `operator`, … */
  readonly statusReason: string | undefined;
  readonly der: Uint8Array;
  readonly publicKeyFingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedAtMs: number;
  /** Claim profiles: the claim it opens. Devices: the claim it was born from. */
  readonly claimId: ClaimId | undefined;
  readonly thingName: ThingName | undefined;
}

export interface ThingRecord {
  readonly thingName: ThingName;
  readonly typeName: ThingTypeName | undefined;
  readonly billingGroup: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly groups: readonly GroupName[];
  readonly policies: readonly PolicyName[];
  readonly status: "active" | "retired";
  readonly quarantined: boolean;
  /** An operator allowed the next provisioning to replace its identity, once. */
  readonly released: boolean;
  readonly createdAtMs: number;
  readonly certificates: readonly {
    readonly certificateId: CertificateId;
    readonly status: CertificateStatus;
    readonly notAfterMs: number;
  }[];
}

export interface PolicyRecord {
  readonly policyName: PolicyName;
  readonly defaultVersion: number;
  readonly versions: readonly { readonly version: number; readonly createdAtMs: number; readonly document: string }[];
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Opaque; undefined at the end. */
  readonly next: string | undefined;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}

export type PolicyTarget =
  | { readonly kind: "thing"; readonly id: ThingName }
  | { readonly kind: "group"; readonly id: GroupName }
  | { readonly kind: "certificate"; readonly id: CertificateId };

/** Whole operations, each atomic. Refusals are Faults: not_found, already_exists, conflict, limit_reached. */
export interface RegistryStore {
  thing(name: ThingName): Promise<ThingRecord | undefined>;
  things(page: PageRequest & { readonly group?: GroupName; readonly claimId?: ClaimId }): Promise<Page<ThingRecord>>;
  createThing(request: {
    name: ThingName;
    typeName: ThingTypeName | undefined;
    attributes: Readonly<Record<string, string>>;
    audit: AuditEvent;
  }): Promise<void>;
  /** Retires: certificates are revoked, connections end, the name stays known. */
  retireThing(request: { name: ThingName; audit: AuditEvent }): Promise<void>;
  releaseThing(request: { name: ThingName; audit: AuditEvent }): Promise<void>;
  quarantineThing(request: { name: ThingName; quarantined: boolean; audit: AuditEvent }): Promise<void>;

  createType(request: { name: ThingTypeName; audit: AuditEvent }): Promise<void>;
  types(): Promise<readonly ThingTypeName[]>;
  createGroup(request: { name: GroupName; parent: GroupName | undefined; audit: AuditEvent }): Promise<void>;
  groups(): Promise<
    readonly {
      readonly name: GroupName;
      readonly parent: GroupName | undefined;
      readonly policies: readonly PolicyName[];
    }[]
  >;
  setGroupMembership(request: {
    group: GroupName;
    thing: ThingName;
    member: boolean;
    audit: AuditEvent;
  }): Promise<void>;

  certificate(id: CertificateId): Promise<CertificateRecord | undefined>;
  certificates(
    page: PageRequest & { readonly claimId?: ClaimId; readonly thingName?: ThingName },
  ): Promise<Page<CertificateRecord>>;
  /** REVOKED never becomes anything else: conflict. PENDING_ACTIVATION only becomes REVOKED. */
  setCertificateStatus(request: {
    id: CertificateId;
    status: "ACTIVE" | "INACTIVE" | "REVOKED";
    reason: string;
    audit: AuditEvent;
  }): Promise<void>;

  policy(name: PolicyName): Promise<PolicyRecord | undefined>;
  policies(): Promise<readonly PolicyRecord[]>;
  /** Creates the policy, or a new default version; beyond LIMITS.policyVersions the oldest non-default one goes. The same document again changes nothing. */
  applyPolicy(request: {
    name: PolicyName;
    document: string;
    nowMs: number;
    audit: AuditEvent;
  }): Promise<{ readonly version: number; readonly changed: boolean }>;
  attachPolicy(request: { name: PolicyName; target: PolicyTarget; audit: AuditEvent }): Promise<void>;
  detachPolicy(request: { name: PolicyName; target: PolicyTarget; audit: AuditEvent }): Promise<void>;
}

import type { AuditEvent } from "../audit/ports.ts";
import type { IssuedCertificate } from "../ca/ports.ts";
import type { HookConfig } from "../hooks/ports.ts";
import type { CertificateRecord, CertificateStatus, Page, PageRequest } from "../registry/ports.ts";
import type { Plan, TemplateSettings } from "../templates/plan.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type {
  AttemptId,
  CertificateId,
  ClaimId,
  PolicyName,
  TemplateName,
  ThingName,
  ThingTypeName,
} from "../vocabulary/ids.ts";

// --- claims ---

export type ClaimStatus = "active" | "suspended" | "disabled";
export type KeyAlgorithm = "EC_P256" | "RSA_2048";

/** The limits of a claim, fixed when it is made. */
export interface Passport {
  readonly templates: readonly TemplateName[];
  readonly batch: string | undefined;
  readonly supplier: string | undefined;
  readonly maxDevices: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** CIDRs; empty allows every network. */
  readonly networks: readonly string[];
  /** What stands between the claim and any name: a list, the template's hook, or nothing, said explicitly. */
  readonly guard: "serials" | "hook" | "any-device";
  /** Enrollments a minute beyond which a request is refused. */
  readonly maxPerMinute: number;
  /** Refusals within ten minutes that suspend the claim. */
  readonly suspendAfterRefusals: number;
  /** What CreateKeysAndCertificate makes unless the device asks otherwise. */
  readonly keyAlgorithm: KeyAlgorithm;
}

export interface ClaimRecord extends Passport {
  readonly claimId: ClaimId;
  readonly kind: "shared" | "temporary";
  readonly status: ClaimStatus;
  /** Why it is suspended or disabled. */
  readonly statusReason: string | undefined;
  readonly quarantined: boolean;
  readonly createdAtMs: number;
  /** Redeemed enrollments: what the quota counts. */
  readonly redeemed: number;
  /** Certificates that wait to be redeemed. */
  readonly pending: number;
  readonly certificates: readonly {
    readonly certificateId: CertificateId;
    readonly status: CertificateStatus;
    readonly notAfterMs: number;
    readonly issuedAtMs: number;
  }[];
}

export interface ExpectedDevice {
  readonly serialNumber: string;
  readonly state: "expected" | "provisioned";
  readonly thingName: ThingName | undefined;
}

/** What `claim audit` reckons with. */
export interface ClaimActivity {
  /** Refusals by reason since the claim was made. */
  readonly refusals: readonly { readonly reason: FaultCode; readonly count: number; readonly lastAtMs: number }[];
  readonly redeemedLastHour: number;
  readonly redeemedLastDay: number;
  /** First and last use by network (IPv4 /24, IPv6 /48). */
  readonly networks: readonly {
    readonly network: string;
    readonly firstAtMs: number;
    readonly lastAtMs: number;
    readonly count: number;
  }[];
  readonly unknownSerials: readonly string[];
  readonly duplicateSerials: readonly string[];
  readonly expected: number;
  readonly expectedProvisioned: number;
  /** Redeemed by each of the claim's certificates: who still uses the old one after a rotation. */
  readonly byCertificate: readonly {
    readonly certificateId: CertificateId;
    readonly redeemed: number;
    readonly lastAtMs: number | undefined;
  }[];
}

export interface ClaimStore {
  claim(id: ClaimId): Promise<ClaimRecord | undefined>;
  claims(): Promise<readonly ClaimRecord[]>;
  /** The claim, its expected devices and its first certificate (already signed, intent recorded) at once. */
  createClaim(request: {
    claimId: ClaimId;
    kind: "shared" | "temporary";
    passport: Passport;
    expectedSerials: readonly string[];
    certificate: IssuedCertificate;
    nowMs: number;
    audit: AuditEvent;
  }): Promise<void>;
  addClaimCertificate(request: { claimId: ClaimId; certificate: IssuedCertificate; audit: AuditEvent }): Promise<void>;
  setClaimStatus(request: {
    claimId: ClaimId;
    status: ClaimStatus;
    reason: string | undefined;
    audit: AuditEvent;
  }): Promise<void>;
  setClaimQuarantine(request: { claimId: ClaimId; quarantined: boolean; audit: AuditEvent }): Promise<void>;
  addExpectedDevices(request: { claimId: ClaimId; serials: readonly string[]; audit: AuditEvent }): Promise<void>;
  expectedDevice(claimId: ClaimId, serialNumber: string): Promise<ExpectedDevice | undefined>;
  expectedDevices(claimId: ClaimId, page: PageRequest): Promise<Page<ExpectedDevice>>;
  claimActivity(claimId: ClaimId, nowMs: number): Promise<ClaimActivity>;
}

// --- issuing and redeeming ---

export interface PendingCertificate {
  readonly certificate: IssuedCertificate;
  readonly claimId: ClaimId;
  /** The claim's certificate the request came with. */
  readonly claimCertificateId: CertificateId;
  readonly clientId: string;
  /** Hex SHA-256 of the ownership token. */
  readonly tokenHash: string;
  readonly tokenExpiresAtMs: number;
  readonly attemptId: AttemptId;
}

/** A certificate that a device asked for with the one it has. */
export interface PendingRenewal {
  readonly certificate: IssuedCertificate;
  readonly thingName: ThingName;
  /** The device's present certificate, which the new one renews. */
  readonly renews: CertificateId;
  readonly tokenHash: string;
  readonly tokenExpiresAtMs: number;
  readonly attemptId: AttemptId;
}

export interface ActivateRenewal {
  readonly tokenHash: string;
  readonly thingName: ThingName;
  readonly nowMs: number;
  /** Makes the completed attempt of the one that the request began. */
  readonly complete: (begun: AttemptRecord) => AttemptRecord;
  readonly audit: (certificateId: CertificateId) => AuditEvent;
}

/** What is known of an ownership token. */
export interface TokenRecord {
  readonly certificateId: CertificateId;
  readonly certificateDer: Uint8Array;
  readonly claimId: ClaimId;
  readonly claimCertificateId: CertificateId;
  readonly clientId: string;
  readonly expiresAtMs: number;
  readonly attemptId: AttemptId;
  /** The certificate's validity must not be shorter than asked by the template; see redeem. */
  readonly notAfterMs: number;
  /** Present once it was redeemed. */
  readonly redemption: Redemption | undefined;
}

export interface Redemption {
  /** Hex digest of template name and decoded parameters, before hook overrides. */
  readonly requestDigest: string;
  readonly thingName: ThingName | undefined;
  readonly deviceConfiguration: Readonly<Record<string, string>>;
}

export interface RedeemRequest {
  readonly tokenHash: string;
  readonly claimId: ClaimId;
  readonly clientId: string;
  readonly requestDigest: string;
  readonly template: { readonly name: TemplateName; readonly version: number };
  readonly existingThing: TemplateSettings["existingThing"];
  /** Set when the claim's guard is `serials`. */
  readonly expectedSerial: string | undefined;
  readonly serialNumber: string | undefined;
  readonly plan: Plan;
  readonly nowMs: number;
  readonly attempt: AttemptRecord;
  readonly audit: AuditEvent;
}

export type RedeemOutcome =
  | { readonly kind: "redeemed"; readonly redemption: Redemption }
  /** Another request with the same token, template and parameters came first: its answer. */
  | { readonly kind: "replayed"; readonly redemption: Redemption }
  /** The template got a new default version meanwhile: evaluate again. */
  | { readonly kind: "template_changed" };

export interface EnrollmentStore {
  /** Makes a signed certificate known as PENDING_ACTIVATION with its token, and its attempt with outcome `pending`. The intent must exist with the same serial. */
  recordPending(pending: PendingCertificate, attempt: AttemptRecord, audit: AuditEvent): Promise<void>;
  token(tokenHash: string): Promise<TokenRecord | undefined>;
  /**
   * Applies the plan: one transaction that repeats every condition (token pending, unexpired, same claim and client id;
   * claim active, quota; template's default version and enabled; expected serial listed; existing thing by rule; named policies, groups
   * and type exist), creates or updates the thing, attaches policies, activates the certificate, spends the token, counts
   * the quota, marks the expected device, completes the attempt, writes audit and change rows. A document policy of the plan is created if absent.
   */
  redeem(request: RedeemRequest): Promise<RedeemOutcome>;
  /** Makes a renewed device certificate known as PENDING_ACTIVATION. Faults: certificate_revoked where the renewed one is not ACTIVE on the thing any more. */
  recordRenewal(pending: PendingRenewal, attempt: AttemptRecord, audit: AuditEvent): Promise<void>;
  /** Activates a renewed certificate on its thing; the renewed one stays until this one has connected. A retry gets the same answer. */
  activateRenewal(request: ActivateRenewal): Promise<void>;
  /** The certificate has connected: the one it renews, if still ACTIVE, ends as `superseded`. */
  supersede(request: { supersedes: CertificateId; audit: AuditEvent }): Promise<void>;
  /** Ends pending certificates whose token expired before `nowMs`: they become REVOKED (reason `token_expired`); at most `limit`. Returns how many. */
  expirePending(nowMs: number, limit: number): Promise<number>;
}

// --- attempts ---

export type Flow = "claim" | "renewal" | "trusted-user" | "claim-then-trusted-user" | "bulk" | "just-in-time" | "api";
export type Outcome = "issued" | "pending" | "denied";

export interface AttemptStep {
  /** `connect`, `claim`, `csr`, `key`, `issue`, `token`, `parameters`, `serial`, `hook`, `template`, `redeem`, … */
  readonly step: string;
  readonly verdict: "ok" | "denied";
  readonly detail: string;
  readonly atMs: number;
}

/** One enrollment try, step by step. Never holds a key, a token or a CSR. */
export interface AttemptRecord {
  readonly id: AttemptId;
  readonly atMs: number;
  readonly flow: Flow;
  readonly front: string;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly principal: { readonly kind: string; readonly id: string };
  readonly template: TemplateName | undefined;
  readonly serialNumber: string | undefined;
  readonly outcome: Outcome;
  readonly reason: FaultCode | undefined;
  /** What happened and what to do, in sentences. */
  readonly message: string | undefined;
  readonly thingName: ThingName | undefined;
  readonly certificateId: CertificateId | undefined;
  readonly steps: readonly AttemptStep[];
  /** What was written: `thing X created`, `policy P attached`, … */
  readonly written: readonly string[];
}

export interface AttemptStore {
  /** Inserts, or replaces the record of the same id. */
  saveAttempt(attempt: AttemptRecord): Promise<void>;
  attempt(id: AttemptId): Promise<AttemptRecord | undefined>;
  /** Newest first. */
  attempts(
    page: PageRequest & { readonly claimId?: ClaimId; readonly outcome?: Outcome; readonly reason?: FaultCode },
  ): Promise<Page<AttemptRecord>>;
}

// --- templates ---

export interface TemplateRecord {
  readonly name: TemplateName;
  readonly enabled: boolean;
  readonly defaultVersion: number;
  readonly settings: TemplateSettings;
  readonly hook: HookConfig | undefined;
  readonly versions: readonly { readonly version: number; readonly createdAtMs: number; readonly body: string }[];
}

export interface TemplateStore {
  template(name: TemplateName): Promise<TemplateRecord | undefined>;
  templates(): Promise<readonly TemplateRecord[]>;
  /** Creates, or adds a new default version when the body differs; settings and hook are replaced where given. Beyond LIMITS.templateVersions the oldest non-default goes. */
  applyTemplate(request: {
    name: TemplateName;
    body: string | undefined;
    settings: TemplateSettings | undefined;
    hook: HookConfig | null | undefined;
    nowMs: number;
    audit: AuditEvent;
  }): Promise<{ readonly version: number; readonly changed: boolean }>;
}

// --- admission ---

/** Everything that decides a connection, read at once. */
export interface ConnectionRecord {
  readonly certificate: Omit<CertificateRecord, "der">;
  /** Claim certificates. */
  readonly claim: ClaimRecord | undefined;
  /** Device certificates: the claim they were born from is quarantined, or the thing is. */
  readonly quarantined: boolean;
  readonly thing:
    | {
        readonly name: ThingName;
        readonly typeName: ThingTypeName | undefined;
        readonly attributes: Readonly<Record<string, string>>;
      }
    | undefined;
  /** A renewed certificate that has not connected yet: the one that ends when it does. */
  readonly supersedes: CertificateId | undefined;
  /** Default versions of the policies on the certificate, its thing and the thing's groups. */
  readonly policies: readonly { readonly name: PolicyName; readonly version: number; readonly document: string }[];
}

export interface AdmissionStore {
  connection(certificateId: CertificateId): Promise<ConnectionRecord | undefined>;
  /** Remembers that a claim was used from a network, once unless told; true if the network is new for this claim. */
  noteClaimNetwork(claimId: ClaimId, network: string, atMs: number, times?: number): Promise<boolean>;
}

// --- events ---

export interface EventRecord {
  readonly sequence: number;
  readonly atMs: number;
  /** `connection.refused`, `claim.suspended`, `claim.threshold`, `session.taken_over`, … */
  readonly kind: string;
  readonly reason: FaultCode | undefined;
  readonly message: string;
  readonly certificateId: CertificateId | undefined;
  readonly claimId: ClaimId | undefined;
  readonly thingName: ThingName | undefined;
  readonly clientId: string | undefined;
  readonly remoteAddress: string | undefined;
}

export interface EventStore {
  saveEvent(event: Omit<EventRecord, "sequence">): Promise<void>;
  /** Newest first. */
  events(page: PageRequest): Promise<Page<EventRecord>>;
}

// The store's memory, one record at a time, as its operations see it. An operation (store/operations) is a synchronous function
// of these rows that decides and writes; what makes it atomic and durable is the implementation beneath. Rules live in the
// operations, in conditions.ts and in apply-plan.ts, never here, so that none exists twice.

import type { CredentialRecord } from "../access/ports.ts";
import type { StoredCheckpoint } from "../audit/ports.ts";
import type { Change } from "../broker/ports.ts";
import type { IssuanceIntent, IssuedCertificate } from "../ca/ports.ts";
import type {
  AttemptRecord,
  ClaimRecord,
  ClaimStatus,
  EventRecord,
  ExpectedDevice,
  Outcome,
  Passport,
  TemplateRecord,
} from "../enrollment/ports.ts";
import type { CertificateProfile, CertificateStatus, PolicyRecord } from "../registry/ports.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type {
  AttemptId,
  CertificateId,
  ClaimId,
  GroupName,
  PolicyName,
  SerialNumber,
  TemplateName,
  ThingName,
  ThingTypeName,
} from "../vocabulary/ids.ts";

/** A row's number within its kind, in order of creation. Means nothing outside the store. */
export type RowId = number;

/** One slice of a list: rows beyond `after` in the list's order. */
export interface Slice {
  readonly after: RowId | undefined;
  readonly limit: number;
}

export interface IntentRow {
  readonly id: RowId;
  readonly profile: CertificateProfile;
  readonly publicKeyFingerprint: string;
  readonly claim: RowId | undefined;
  readonly clientId: string | undefined;
  readonly atMs: number;
  readonly certified: boolean;
}

/** One recorded use of a public key. */
export interface KeyUse {
  /** Undefined while there is an intent only. */
  readonly certificate: RowId | undefined;
  readonly profile: CertificateProfile;
  readonly claim: RowId | undefined;
  readonly clientId: string | undefined;
  readonly atMs: number;
  /** Undefined while there is an intent only. */
  readonly status: CertificateStatus | undefined;
  readonly statusReason: string | undefined;
  readonly thing: { readonly name: ThingName; readonly released: boolean } | undefined;
}

export interface TokenFields {
  readonly hash: string;
  readonly expiresAtMs: number;
  readonly claimCertificate: RowId;
  readonly attemptId: AttemptId;
}

/** A certificate without its DER. */
export interface CertificateRow {
  readonly id: RowId;
  readonly certificateId: CertificateId;
  readonly serial: SerialNumber;
  readonly profile: CertificateProfile;
  readonly status: CertificateStatus;
  readonly statusReason: string | undefined;
  readonly publicKeyFingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedAtMs: number;
  readonly claim: RowId | undefined;
  readonly claimId: ClaimId | undefined;
  readonly thing: RowId | undefined;
  readonly thingName: ThingName | undefined;
}

export interface TokenRow {
  readonly certificate: RowId;
  readonly certificateId: CertificateId;
  readonly status: CertificateStatus;
  readonly statusReason: string | undefined;
  readonly publicKeyFingerprint: string;
  /** Undefined for a renewal: a device asked with its own certificate. */
  readonly claim: RowId | undefined;
  readonly claimId: ClaimId | undefined;
  /** The certificate that asked: a claim's, or the device's that is renewed. */
  readonly claimCertificate: RowId;
  readonly clientId: string;
  readonly expiresAtMs: number;
  readonly attemptId: AttemptId;
  readonly notAfterMs: number;
  readonly requestDigest: string | undefined;
  readonly thingName: ThingName | undefined;
  readonly deviceConfiguration: Readonly<Record<string, string>> | undefined;
}

/** What issuing and redeeming reckon with; the rest of the passport is read on demand. */
export interface ClaimRow extends Pick<ClaimRecord, "claimId" | "kind" | "status" | "statusReason" | "quarantined"> {
  readonly id: RowId;
  readonly createdAtMs: number;
  readonly maxDevices: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly redeemed: number;
  readonly pending: number;
}

export interface ThingRow {
  readonly id: RowId;
  readonly thingName: ThingName;
  readonly typeName: ThingTypeName | undefined;
  readonly billingGroup: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly status: "active" | "retired";
  readonly quarantined: boolean;
  readonly released: boolean;
  readonly createdAtMs: number;
}

export interface GroupRow {
  readonly id: RowId;
  readonly name: GroupName;
  readonly parent: RowId | undefined;
}

export interface PolicyRow {
  readonly id: RowId;
  readonly name: PolicyName;
  readonly defaultVersion: number;
}

export interface TemplateRow {
  readonly id: RowId;
  readonly name: TemplateName;
  readonly enabled: boolean;
  readonly defaultVersion: number;
}

/** What a policy hangs on. */
export interface TargetRow {
  readonly kind: "thing" | "group" | "certificate";
  readonly row: RowId;
}

export interface LedgerRows {
  epoch(): number;
  setEpoch(epoch: number): void;
  /** Intents up to this one were checked for a certificate that never came. */
  sweptIntents(): RowId;
  setSweptIntents(upTo: RowId): void;
  intentsAfter(id: RowId, limit: number): readonly Pick<IntentRow, "id" | "profile" | "claim" | "atMs" | "certified">[];
  intent(serial: SerialNumber): IntentRow | undefined;
  newestIntentAtMs(): number;
  /** False where the serial number is taken. */
  insertIntent(intent: IssuanceIntent, claim: RowId | undefined): boolean;
  setIntentClaim(intent: RowId, claim: RowId): void;
  keyUses(publicKeyFingerprint: string): readonly KeyUse[];
  /** False where the certificate is known already. */
  insertCertificate(row: {
    intent: RowId;
    certificate: IssuedCertificate;
    status: CertificateStatus;
    claim: RowId | undefined;
    token: TokenFields | undefined;
  }): boolean;
  certificate(id: CertificateId): CertificateRow | undefined;
  certificateByRow(row: RowId): CertificateRow | undefined;
  certificateDer(row: RowId): Uint8Array;
  certificates(slice: Slice & { readonly claim?: RowId; readonly thing?: RowId }): readonly CertificateRow[];
  setCertificateStatus(row: RowId, status: CertificateStatus, reason: string | undefined): void;
  token(tokenHash: string): TokenRow | undefined;
  /** The certificate that this one renews; undefined where it was born from a claim, or its token is not spent. */
  renewedBy(certificate: RowId): RowId | undefined;
  /** Spends the token: what its certificate became and the answer that a retry gets. */
  spendToken(
    certificate: RowId,
    spent: {
      readonly status: CertificateStatus;
      readonly thing: RowId | undefined;
      readonly requestDigest: string;
      readonly deviceConfiguration: Readonly<Record<string, string>>;
    },
  ): void;
  /** Certificates that wait for their token, by expiry; with a time only those whose token expired before it. */
  pendingCertificates(expiredBeforeMs: number | undefined, limit: number): readonly CertificateRow[];
}

export interface ClaimRows {
  claim(claimId: ClaimId): ClaimRow | undefined;
  claimByRow(row: RowId): ClaimRow | undefined;
  allClaims(): readonly ClaimRow[];
  passport(row: RowId): Passport;
  insertClaim(row: { claimId: ClaimId; kind: "shared" | "temporary"; passport: Passport; createdAtMs: number }): RowId;
  addClaimCertificate(claim: RowId, certificate: RowId): void;
  claimCertificates(claim: RowId): readonly CertificateRow[];
  setClaimStatus(claim: RowId, status: ClaimStatus, reason: string | undefined): void;
  setClaimQuarantine(claim: RowId, quarantined: boolean): void;
  /** Adds to the two counters. */
  countClaim(claim: RowId, by: { readonly redeemed: number; readonly pending: number }): void;
  setClaimRedeemed(claim: RowId, redeemed: number): void;

  /** False where the serial number is listed already. */
  insertExpected(claim: RowId, serialNumber: string): boolean;
  expected(claim: RowId, serialNumber: string): ExpectedDevice | undefined;
  setProvisioned(claim: RowId, serialNumber: string, thingName: ThingName | undefined): void;
  /** In order of serial number. */
  expectedPage(claim: RowId, after: string | undefined, limit: number): readonly ExpectedDevice[];
  expectedCounts(claim: RowId): { readonly expected: number; readonly provisioned: number };

  /** One more redemption with this claim certificate in this minute. */
  countRedemption(claim: RowId, claimCertificate: RowId, minute: number, atMs: number): void;
  redemptions(claim: RowId): readonly {
    readonly certificateId: CertificateId;
    readonly minute: number;
    readonly count: number;
    readonly lastAtMs: number;
  }[];
  countRefusal(claim: RowId, reason: FaultCode, atMs: number): void;
  refusals(claim: RowId): readonly { readonly reason: FaultCode; readonly count: number; readonly lastAtMs: number }[];
  networkKnown(claim: RowId, network: string): boolean;
  networkCount(claim: RowId): number;
  countNetwork(claim: RowId, use: { readonly network: string; readonly atMs: number; readonly times: number }): void;
  networks(claim: RowId): readonly {
    readonly network: string;
    readonly firstAtMs: number;
    readonly lastAtMs: number;
    readonly count: number;
  }[];
  /** Remembers a serial number that made someone suspicious; the oldest beyond `keep` go. */
  noteSerial(claim: RowId, finding: "unknown" | "duplicate", serialNumber: string, keep: number): void;
  notedSerials(claim: RowId, finding: "unknown" | "duplicate"): readonly string[];
}

export interface RegistryRows {
  thing(name: ThingName): ThingRow | undefined;
  thingByRow(row: RowId): ThingRow | undefined;
  things(slice: Slice & { readonly group?: RowId }): readonly ThingRow[];
  /** Things with a certificate born from the claim, each once; `after` and `row` count certificates. */
  thingsOfClaim(claim: RowId, slice: Slice): readonly { readonly row: RowId; readonly thing: ThingRow }[];
  insertThing(thing: {
    thingName: ThingName;
    typeName: ThingTypeName | undefined;
    billingGroup: string | undefined;
    attributes: Readonly<Record<string, string>>;
    createdAtMs: number;
  }): RowId;
  /** Writes everything of the row but its name and creation. */
  updateThing(thing: ThingRow): void;
  typeExists(name: ThingTypeName): boolean;
  insertType(name: ThingTypeName): void;
  types(): readonly ThingTypeName[];
  group(name: GroupName): GroupRow | undefined;
  groupByRow(row: RowId): GroupRow | undefined;
  insertGroup(name: GroupName, parent: RowId | undefined): void;
  groups(): readonly GroupRow[];
  /** In order of name. */
  groupsOf(thing: RowId): readonly GroupRow[];
  addMember(group: RowId, thing: RowId): void;
  removeMember(group: RowId, thing: RowId): void;

  policyRow(name: PolicyName): PolicyRow | undefined;
  policy(name: PolicyName): PolicyRecord | undefined;
  policyNames(): readonly PolicyName[];
  policyDocument(policy: RowId, version: number): string;
  insertPolicy(name: PolicyName): RowId;
  insertPolicyVersion(policy: RowId, version: number, createdAtMs: number, document: string): void;
  deletePolicyVersion(policy: RowId, version: number): void;
  setPolicyDefault(policy: RowId, version: number): void;
  /** False where it hangs there already. */
  attach(policy: RowId, target: TargetRow): boolean;
  /** False where it did not hang there. */
  detach(policy: RowId, target: TargetRow): boolean;
  /** In order of name. */
  attached(target: TargetRow): readonly PolicyRow[];
}

export interface TemplateRows {
  templateRow(name: TemplateName): TemplateRow | undefined;
  template(name: TemplateName): TemplateRecord | undefined;
  templateNames(): readonly TemplateName[];
  insertTemplate(name: TemplateName): RowId;
  updateTemplate(template: RowId, to: Pick<TemplateRecord, "defaultVersion" | "settings" | "hook">): void;
  insertTemplateVersion(template: RowId, version: number, createdAtMs: number, body: string): void;
  deleteTemplateVersion(template: RowId, version: number): void;
}

export interface AttemptFilter extends Slice {
  readonly claimId?: ClaimId;
  readonly outcome?: Outcome;
  readonly reason?: FaultCode;
}

export interface RecordRows {
  /** Inserts, or replaces the record of the same id. */
  putAttempt(attempt: AttemptRecord): void;
  attempt(id: AttemptId): AttemptRecord | undefined;
  /** Newest first: rows before `after`. */
  attempts(filter: AttemptFilter): readonly { readonly row: RowId; readonly attempt: AttemptRecord }[];
  insertEvent(event: Omit<EventRecord, "sequence">): void;
  /** Newest first: sequence numbers before `after`. */
  events(slice: Slice): readonly EventRecord[];
  insertAudit(body: string, leafHash: string): void;
  audit(
    fromIndex: number,
    limit: number,
  ): readonly { readonly index: number; readonly body: string; readonly leafHash: string }[];
  auditCount(): number;
  latestCheckpoint(): StoredCheckpoint | undefined;
  insertCheckpoint(checkpoint: StoredCheckpoint): void;
  /** The newest, oldest of them first. */
  checkpoints(limit: number): readonly StoredCheckpoint[];
  insertChange(kind: Change["kind"], id: string): void;
  changes(after: number, limit: number): readonly Change[];
  latestChange(): number;
  credential(tokenHash: string): CredentialRecord | undefined;
  insertCredential(credential: CredentialRecord): void;
  /** Removes the oldest beyond a limit, at most `slice` of each kind. Returns how many. */
  trim(
    keep: {
      readonly attempts: number;
      readonly events: number;
      readonly changes: number;
      readonly checkpoints: number;
    },
    slice: number,
  ): number;
}

export interface Rows extends LedgerRows, ClaimRows, RegistryRows, TemplateRows, RecordRows {}

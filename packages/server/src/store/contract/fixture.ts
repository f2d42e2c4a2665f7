// A small factory for the contract: certificates that are no certificates, but have the two things a store looks at, an id that is
// the hash of the DER and to-be-signed bytes inside it.
import { createHash, randomBytes } from "node:crypto";
import type { AuditEvent } from "../../audit/ports.ts";
import type { IssuanceIntent, IssuedCertificate } from "../../ca/ports.ts";
import type { AttemptRecord, Passport, PendingCertificate, RedeemRequest } from "../../enrollment/ports.ts";
import { ManualClock } from "../../kit/clock.ts";
import type { CertificateProfile } from "../../registry/ports.ts";
import type { Plan, PlannedThing } from "../../templates/plan.ts";
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
} from "../../vocabulary/ids.ts";
import type { Store, StoreLimits } from "../store.ts";

export type MakeStore = (options: {
  readonly clock: ManualClock;
  readonly limits?: Partial<StoreLimits>;
}) => Promise<Store>;

export const DAY_MS = 24 * 3600 * 1000;
export const CLAIM = "claim-1" as ClaimId;
export const TEMPLATE = "lamp" as TemplateName;
export const POLICY = "lamp-policy" as PolicyName;

export const claimId = (name: string): ClaimId => name as ClaimId;
export const thingName = (name: string): ThingName => name as ThingName;
export const typeName = (name: string): ThingTypeName => name as ThingTypeName;
export const groupName = (name: string): GroupName => name as GroupName;
export const policyName = (name: string): PolicyName => name as PolicyName;
export const templateName = (name: string): TemplateName => name as TemplateName;
export const attemptId = (name: string): AttemptId => name as AttemptId;

export function randomHex(bytes = 32): string {
  return randomBytes(bytes).toString("hex");
}

export function auditEvent(event: string, subject: string, atMs = 0): AuditEvent {
  return { event, actor: "system", subject, atMs, detail: {} };
}

/** DER of a SEQUENCE whose first element is the SEQUENCE of to-be-signed bytes. */
export function derOf(tbs: Uint8Array): Uint8Array {
  const sequence = (content: Uint8Array) =>
    Buffer.concat([Buffer.from([0x30, 0x82, content.length >> 8, content.length & 255]), content]);
  return sequence(Buffer.concat([sequence(tbs), Buffer.from([0x03, 0x02, 0x00, 0x01])]));
}

export interface Signed {
  readonly certificate: IssuedCertificate;
  readonly tbsHash: string;
}

export class Fixture {
  readonly clock: ManualClock = new ManualClock();
  readonly store: Store;
  /** The certificate that devices of CLAIM come with. */
  claimCertificateId = "" as CertificateId;
  #count = 0;

  private constructor(store: Store, clock: ManualClock) {
    this.store = store;
    this.clock = clock;
  }

  static async open(make: MakeStore, limits?: Partial<StoreLimits>): Promise<Fixture> {
    const clock = new ManualClock();
    return new Fixture(await make(limits === undefined ? { clock } : { clock, limits }), clock);
  }

  /** With a claim, a template and a policy: ready for devices. */
  static async ready(
    make: MakeStore,
    passport: Partial<Passport> = {},
    serials: readonly string[] = [],
  ): Promise<Fixture> {
    const fixture = await Fixture.open(make);
    await fixture.createClaim(CLAIM, passport, serials);
    await fixture.applyPolicy(POLICY);
    await fixture.applyTemplate(TEMPLATE);
    return fixture;
  }

  get nowMs(): number {
    return this.clock.now();
  }

  audit(event: string, subject: string): AuditEvent {
    return auditEvent(event, subject, this.nowMs);
  }

  signed(profile: CertificateProfile, options: { readonly key?: string; readonly lifetimeMs?: number } = {}): Signed {
    const tbs = randomBytes(300);
    const der = derOf(tbs);
    const tbsInDer = der.subarray(4, 8 + tbs.length);
    return {
      tbsHash: createHash("sha256").update(tbsInDer).digest("hex"),
      certificate: {
        certificateId: createHash("sha256").update(der).digest("hex") as CertificateId,
        serial: `1${randomHex(17)}` as SerialNumber,
        profile,
        der,
        publicKeyFingerprint: options.key ?? randomHex(),
        notBeforeMs: this.nowMs - 1000,
        notAfterMs: this.nowMs + (options.lifetimeMs ?? 365 * DAY_MS),
        issuedAtMs: this.nowMs,
      },
    };
  }

  intent(signed: Signed, from: { readonly claimId?: ClaimId; readonly clientId?: string } = {}): IssuanceIntent {
    const { serial, profile, publicKeyFingerprint } = signed.certificate;
    const { claimId: claim, clientId } = from;
    return {
      serial,
      tbsHash: signed.tbsHash,
      profile,
      publicKeyFingerprint,
      claimId: claim,
      clientId,
      atMs: this.nowMs,
    };
  }

  passport(change: Partial<Passport> = {}): Passport {
    return {
      templates: [TEMPLATE],
      batch: undefined,
      supplier: undefined,
      maxDevices: 1000,
      notBeforeMs: this.nowMs,
      notAfterMs: this.nowMs + 90 * DAY_MS,
      networks: [],
      guard: "any-device",
      maxPerMinute: 600,
      suspendAfterRefusals: 20,
      keyAlgorithm: "EC_P256",
      ...change,
    };
  }

  async createClaim(
    id: ClaimId,
    change: Partial<Passport> = {},
    expectedSerials: readonly string[] = [],
  ): Promise<CertificateId> {
    const signed = this.signed("claim");
    const { certificate } = signed;
    await this.store.recordIntent(this.intent(signed));
    await this.store.createClaim({
      claimId: id,
      kind: "shared",
      passport: this.passport(change),
      expectedSerials,
      certificate,
      nowMs: this.nowMs,
      audit: { ...this.audit("claim.created", id), detail: { certificateId: certificate.certificateId } },
    });
    if (id === CLAIM) this.claimCertificateId = certificate.certificateId;
    return certificate.certificateId;
  }

  applyPolicy(name: PolicyName, document = '{"Version":"2012-10-17","Statement":[]}') {
    return this.store.applyPolicy({ name, document, nowMs: this.nowMs, audit: this.audit("policy.applied", name) });
  }

  applyTemplate(name: TemplateName, body = '{"Resources":{}}') {
    const audit = this.audit("template.applied", name);
    return this.store.applyTemplate({ name, body, settings: undefined, hook: undefined, nowMs: this.nowMs, audit });
  }

  attempt(change: Partial<AttemptRecord> = {}): AttemptRecord {
    return {
      id: attemptId(`attempt-${++this.#count}`),
      atMs: this.nowMs,
      flow: "claim",
      front: "aws-mqtt",
      clientId: "device-1",
      remoteAddress: "192.0.2.1",
      principal: { kind: "claim", id: CLAIM },
      template: undefined,
      serialNumber: undefined,
      outcome: "pending",
      reason: undefined,
      message: undefined,
      thingName: undefined,
      certificateId: undefined,
      steps: [{ step: "csr", verdict: "ok", detail: "The request is sound.", atMs: this.nowMs }],
      written: [],
      ...change,
    };
  }

  /** A certificate for a device of CLAIM that waits for its token. */
  async pending(
    options: { readonly clientId?: string; readonly key?: string; readonly lifetimeMs?: number } = {},
  ): Promise<PendingCertificate> {
    const clientId = options.clientId ?? "device-1";
    const signed = this.signed("device", options);
    await this.store.recordIntent(this.intent(signed, { claimId: CLAIM, clientId }));
    const pending = this.pendingOf(signed.certificate, clientId);
    await this.recordPending(pending);
    return pending;
  }

  pendingOf(certificate: IssuedCertificate, clientId: string): PendingCertificate {
    return {
      certificate,
      claimId: CLAIM,
      claimCertificateId: this.claimCertificateId,
      clientId,
      tokenHash: randomHex(),
      tokenExpiresAtMs: this.nowMs + 3600_000,
      attemptId: attemptId(`attempt-${++this.#count}`),
    };
  }

  recordPending(pending: PendingCertificate): Promise<void> {
    const { certificateId } = pending.certificate;
    const attempt = this.attempt({ id: pending.attemptId, clientId: pending.clientId, certificateId });
    return this.store.recordPending(pending, attempt, this.audit("certificate.issued", certificateId));
  }

  plan(thing: Partial<PlannedThing> | undefined, change: Partial<Plan> = {}): Plan {
    return {
      thing: thing === undefined ? undefined : { ...PLANNED_THING, ...thing },
      certificateStatus: "ACTIVE",
      exclusiveThing: false,
      policies: [{ name: POLICY, document: undefined }],
      deviceConfiguration: { endpoint: "mqtt.example" },
      serialNumber: undefined,
      ...change,
    };
  }

  request(pending: PendingCertificate, plan: Plan, change: Partial<RedeemRequest> = {}): RedeemRequest {
    return {
      tokenHash: pending.tokenHash,
      claimId: pending.claimId,
      clientId: pending.clientId,
      requestDigest: "d1",
      template: { name: TEMPLATE, version: 1 },
      existingThing: "refuse",
      expectedSerial: undefined,
      serialNumber: undefined,
      plan,
      nowMs: this.nowMs,
      attempt: this.attempt({ id: pending.attemptId, clientId: pending.clientId, template: TEMPLATE }),
      audit: this.audit("certificate.activated", pending.certificate.certificateId),
      ...change,
    };
  }

  /** A device all the way: pending, then redeemed as `name`. */
  async provision(
    name: string,
    options: {
      readonly clientId?: string;
      readonly key?: string;
      readonly lifetimeMs?: number;
      readonly thing?: Partial<PlannedThing>;
      readonly request?: Partial<RedeemRequest>;
    } = {},
  ): Promise<PendingCertificate> {
    const pending = await this.pending({ clientId: name, ...options });
    const plan = this.plan({ name: thingName(name), ...options.thing });
    await this.store.redeem(this.request(pending, plan, options.request));
    return pending;
  }
}

const PLANNED_THING: PlannedThing = {
  name: "thing-1" as ThingName,
  typeName: undefined,
  attributes: {},
  groups: [],
  billingGroup: undefined,
  override: { attributes: "DO_NOTHING", typeName: "DO_NOTHING", groups: "DO_NOTHING" },
};

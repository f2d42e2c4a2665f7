// What the fixed world has: one of everything, and two where an order matters.
import { entryBody, leafHash } from "../../../audit/leaf.ts";
import type { AttemptRecord, ClaimRecord, EventRecord, TemplateRecord } from "../../../enrollment/ports.ts";
import type { CertificateRecord, PolicyRecord, ThingRecord } from "../../../registry/ports.ts";
import { DEFAULT_TEMPLATE_SETTINGS } from "../../../templates/plan.ts";

export const CERTIFICATE_ID = "0123456789abcdef".repeat(4);
export const START_MS = Date.UTC(2026, 0, 1);
export const DAY_MS = 86_400_000;

export const THINGS = [
  {
    thingName: "sensor-1",
    typeName: "sensor",
    billingGroup: undefined,
    attributes: { batch: "7" },
    groups: ["factory-a"],
    policies: ["telemetry"],
    status: "active",
    quarantined: false,
    released: false,
    createdAtMs: START_MS,
    certificates: [{ certificateId: CERTIFICATE_ID, status: "ACTIVE", notAfterMs: START_MS + 365 * DAY_MS }],
  },
  {
    thingName: "sensor-2",
    typeName: undefined,
    billingGroup: undefined,
    attributes: {},
    groups: [],
    policies: [],
    status: "active",
    quarantined: true,
    released: true,
    createdAtMs: START_MS,
    certificates: [],
  },
] as unknown as readonly ThingRecord[];

export const CERTIFICATES = [
  {
    certificateId: CERTIFICATE_ID,
    serial: "1a2b",
    profile: "device",
    status: "ACTIVE",
    statusReason: undefined,
    der: new Uint8Array(80),
    publicKeyFingerprint: "f".repeat(64),
    notBeforeMs: START_MS,
    notAfterMs: START_MS + 365 * DAY_MS,
    issuedAtMs: START_MS,
    claimId: "claim-1",
    thingName: "sensor-1",
  },
] as unknown as readonly CertificateRecord[];

export const POLICIES = [
  {
    policyName: "telemetry",
    defaultVersion: 1,
    versions: [{ version: 1, createdAtMs: START_MS, document: '{"Version":"2012-10-17","Statement":[]}' }],
  },
] as unknown as readonly PolicyRecord[];

export const CLAIMS = [
  {
    claimId: "claim-1",
    kind: "shared",
    status: "active",
    statusReason: undefined,
    quarantined: false,
    templates: ["factory"],
    batch: "B7",
    supplier: undefined,
    maxDevices: 10,
    redeemed: 2,
    pending: 1,
    notBeforeMs: START_MS,
    notAfterMs: START_MS + 90 * DAY_MS,
    networks: ["192.0.2.0/24"],
    guard: "serials",
    maxPerMinute: 600,
    suspendAfterRefusals: 100,
    keyAlgorithm: "EC_P256",
    createdAtMs: START_MS,
    certificates: [
      { certificateId: CERTIFICATE_ID, status: "ACTIVE", notAfterMs: START_MS + 90 * DAY_MS, issuedAtMs: START_MS },
    ],
  },
] as unknown as readonly ClaimRecord[];

export const TEMPLATES = [
  {
    name: "factory",
    enabled: true,
    defaultVersion: 2,
    settings: DEFAULT_TEMPLATE_SETTINGS,
    hook: {
      kind: "webhook",
      url: "https://user:canary-password@hooks.example/ask?key=canary-query",
      secret: "canary-hook-secret",
    },
    versions: [
      { version: 1, createdAtMs: START_MS, body: "{}" },
      { version: 2, createdAtMs: START_MS + DAY_MS, body: '{"Parameters":{}}' },
    ],
  },
] as unknown as readonly TemplateRecord[];

const DENIED = {
  id: "att-2",
  atMs: START_MS + 2000,
  flow: "claim",
  front: "aws-mqtt",
  clientId: "dev-2",
  remoteAddress: "192.0.2.7",
  principal: { kind: "claim", id: "claim-1" },
  template: "factory",
  serialNumber: "SN-X",
  outcome: "denied",
  reason: "serial_not_expected",
  message: "SN-X is not on the claim's list.",
  thingName: undefined,
  certificateId: CERTIFICATE_ID,
  steps: [
    { step: "csr", verdict: "ok", detail: "EC P-256", atMs: START_MS + 1000 },
    { step: "serial", verdict: "denied", detail: "SN-X is not expected", atMs: START_MS + 2000 },
  ],
  written: [],
};

export const ATTEMPTS = [
  DENIED,
  {
    ...DENIED,
    id: "att-1",
    clientId: "dev-1",
    serialNumber: "SN-1",
    outcome: "issued",
    reason: undefined,
    message: undefined,
    thingName: "sensor-1",
    steps: DENIED.steps.slice(0, 1),
    written: ["thing sensor-1 created", "policy telemetry attached"],
  },
] as unknown as readonly AttemptRecord[];

export const EVENTS = [
  {
    sequence: 1,
    atMs: START_MS,
    kind: "connection.refused",
    reason: "certificate_revoked",
    message: "The certificate was revoked.",
    certificateId: CERTIFICATE_ID,
    claimId: undefined,
    thingName: "sensor-1",
    clientId: "dev-1",
    remoteAddress: "192.0.2.7",
  },
] as unknown as readonly EventRecord[];

export const ENTRIES = ["installation.initialized", "claim.created"].map((event, index) => {
  const body = entryBody({ event, actor: "account:acc-1", subject: "claim-1", atMs: START_MS, detail: { index } });
  return { index, body, leafHash: leafHash(body) };
});

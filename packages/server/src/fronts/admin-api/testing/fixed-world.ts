// A small installation that never changes, and a record of what was asked of it. For tests of the API and of what talks to it.
import { createCredential } from "../../../access/credential.ts";
import type { CredentialRecord } from "../../../access/ports.ts";
import { entryBody, leafHash } from "../../../audit/leaf.ts";
import type { AttemptRecord, ClaimRecord, EventRecord, TemplateRecord } from "../../../enrollment/ports.ts";
import { ManualClock } from "../../../kit/clock.ts";
import { Fault } from "../../../kit/fault.ts";
import { systemRandom } from "../../../kit/random.ts";
import type { CertificateRecord, Page, PageRequest, PolicyRecord, ThingRecord } from "../../../registry/ports.ts";
import { DEFAULT_TEMPLATE_SETTINGS } from "../../../templates/plan.ts";
import type { AccountId } from "../../../vocabulary/ids.ts";
import type { AdminPorts, IssuedClaim } from "../ports.ts";

export const CERTIFICATE_ID = "0123456789abcdef".repeat(4);
export const PRIVATE_KEY_PEM = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LWtleQ==\n-----END PRIVATE KEY-----\n";
const CERTIFICATE_PEM = "-----BEGIN CERTIFICATE-----\nY2VydA==\n-----END CERTIFICATE-----\n";
const CA_PEM = "-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n";
const START_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

export interface FixedWorld {
  readonly ports: AdminPorts;
  readonly token: string;
  /** A token whose role this release does not know. */
  readonly strangeToken: string;
  /** What the domain was asked to do, oldest first. */
  readonly calls: (readonly [name: string, request: unknown])[];
  /** Everything that was logged, as JSON. */
  readonly logged: string[];
  /** The next call of a changing operation throws this. */
  fail: Error | undefined;
}

export function fixedWorld(): FixedWorld {
  const clock = new ManualClock(START_MS);
  const random = systemRandom();
  const owner = createCredential({ clock, random }, { accountId: "acc-1" as AccountId, role: "owner" });
  const strange = createCredential({ clock, random }, { accountId: "acc-2" as AccountId, role: "viewer" as "owner" });
  const world = { token: owner.token, strangeToken: strange.token, calls: [], logged: [], fail: undefined };
  const fixed: Omit<FixedWorld, "ports"> = world;
  const note =
    (name: string) =>
    async (request: unknown, ...more: readonly unknown[]) => {
      fixed.calls.push([name, more.length === 0 ? request : [request, ...more]]);
      if (fixed.fail !== undefined) throw fixed.fail;
    };
  const ports = {
    ...stores([owner.record, strange.record], note),
    ...domain(note),
    clock,
    random,
    log: logInto(fixed.logged),
    isReady: () => true,
  } as unknown as AdminPorts;
  return Object.assign(world, { ports });
}

type Note = (name: string) => (request: unknown, ...more: readonly unknown[]) => Promise<void>;

function stores(credentials: readonly CredentialRecord[], note: Note) {
  return {
    accounts: {
      credential: async (hash: string) => credentials.find((record) => record.tokenHash === hash),
      saveCredential: async () => {},
    },
    registry: {
      thing: async (name: string) => THINGS.find(({ thingName }) => thingName === name),
      things: async (page: PageRequest) => pageOf(THINGS, page),
      certificate: async (id: string) => CERTIFICATES.find(({ certificateId }) => certificateId === id),
      certificates: async (page: PageRequest) => pageOf(CERTIFICATES, page),
      policy: async (name: string) => POLICIES.find(({ policyName }) => policyName === name),
      policies: async () => POLICIES,
      types: async () => ["sensor"],
      groups: async () => [{ name: "factory-a", parent: undefined, policies: ["telemetry"] }],
      applyPolicy: async (request: unknown) => {
        await note("applyPolicy")(request);
        return { version: 2, changed: true };
      },
      releaseThing: note("releaseThing"),
      retireThing: note("retireThing"),
      quarantineThing: note("quarantineThing"),
      createType: note("createType"),
      createGroup: note("createGroup"),
      setGroupMembership: note("setGroupMembership"),
      attachPolicy: note("attachPolicy"),
      detachPolicy: note("detachPolicy"),
    },
    claimStore: {
      claim: async (id: string) => CLAIMS.find(({ claimId }) => claimId === id),
      claims: async () => CLAIMS,
      expectedDevices: async (_: string, page: PageRequest) =>
        pageOf([{ serialNumber: "SN-1", state: "provisioned", thingName: "sensor-1" }], page),
      addExpectedDevices: note("addExpectedDevices"),
    },
    attempts: {
      attempt: async (id: string) => ATTEMPTS.find((attempt) => attempt.id === id),
      attempts: async (page: PageRequest & { outcome?: string }) =>
        pageOf(
          ATTEMPTS.filter(({ outcome }) => page.outcome === undefined || outcome === page.outcome),
          page,
        ),
    },
    templateStore: {
      template: async (name: string) => TEMPLATES.find((template) => template.name === name),
      templates: async () => TEMPLATES,
    },
    events: { events: async (page: PageRequest) => pageOf(EVENTS, page) },
    audit: {
      entries: async (from: number, limit: number) => ENTRIES.slice(from, from + limit),
      entryCount: async () => ENTRIES.length,
    },
  };
}

function domain(note: Note) {
  return {
    claims: {
      create: async (request: { csrPem: string | undefined }, actor: unknown): Promise<IssuedClaim> => {
        await note("claims.create")(request, actor);
        return issued(request.csrPem);
      },
      rotate: async (request: { csrPem: string | undefined }, actor: unknown): Promise<IssuedClaim> => {
        await note("claims.rotate")(request, actor);
        return issued(request.csrPem);
      },
      audit: async (id: string) => auditOf(id),
      disable: note("claims.disable"),
      suspend: note("claims.suspend"),
      resume: note("claims.resume"),
      quarantine: note("claims.quarantine"),
    },
    templates: {
      apply: async (request: unknown, actor: unknown) => {
        await note("templates.apply")(request, actor);
        return { version: 3, changed: true, findings: [], hookSecret: undefined };
      },
      lint: (body: string) =>
        body.startsWith("{") ? [] : [{ severity: "error", path: "", message: "The template is not JSON." }],
      explain: async ({ parameters }: { parameters: Record<string, string> }) => explained(parameters),
    },
    certificates: { revoke: note("certificates.revoke") },
    backup: {
      run: async (path: string, actor: unknown) => {
        await note("backup.run")(path, actor);
        return { bytes: 4096 };
      },
    },
    doctor: {
      check: async () => ({
        checks: [
          { name: "server-certificate", ok: true, message: "Valid for 89 days." },
          { name: "disk", ok: false, message: "12 MiB free.", remedy: "Free space." },
          {
            name: "ca-key",
            ok: false,
            warning: true,
            message: "The key file unlocks the CA.",
            remedy: "Use --ca-passphrase-file.",
          },
        ],
      }),
    },
    auditExport: {
      async *stream() {
        yield* ENTRIES.map(({ body }) => body);
      },
    },
  };
}

function issued(csrPem: string | undefined): IssuedClaim {
  return {
    claim: CLAIMS[0]!,
    certificateId: CERTIFICATE_ID as IssuedClaim["certificateId"],
    certificatePem: CERTIFICATE_PEM,
    privateKeyPem: csrPem === undefined ? PRIVATE_KEY_PEM : undefined,
    caPem: CA_PEM,
  };
}

function auditOf(id: string) {
  const claim = CLAIMS.find(({ claimId }) => claimId === id);
  if (claim === undefined) throw new Fault("not_found", `There is no claim ${id}.`);
  const use = { firstAtMs: START_MS, lastAtMs: START_MS + DAY_MS, count: 2 };
  return {
    claim,
    ageDays: 30,
    daysLeft: 60,
    quotaUsed: 0.2,
    redeemedLastHour: 1,
    redeemedLastDay: 2,
    refusals: [{ reason: "serial_not_expected", count: 4, lastAtMs: START_MS + DAY_MS }],
    networks: [{ network: "192.0.2.0/24", ...use }],
    newNetworks: [],
    unknownSerials: ["SN-X"],
    duplicateSerials: [],
    expected: 10,
    expectedProvisioned: 2,
    byCertificate: [{ certificateId: CERTIFICATE_ID, redeemed: 2, lastAtMs: undefined }],
    findings: [
      {
        severity: "alarm",
        finding: "1 serial number was tried that nobody expected: SN-X.",
        advice: "Add it, or rotate.",
      },
      { severity: "notice", finding: "The claim ends in 6 days.", advice: "Create the next one." },
    ],
  };
}

function explained(parameters: Record<string, string>) {
  if (parameters["SerialNumber"] === undefined) {
    const fault = new Fault("parameter_missing", 'The template needs the parameter "SerialNumber".');
    const steps = [{ step: "parameters", verdict: "denied", detail: "SerialNumber is missing" }];
    return { outcome: { kind: "denied", fault }, steps, warnings: [] };
  }
  const thing = {
    name: `sensor-${parameters["SerialNumber"]}`,
    typeName: "sensor",
    attributes: { batch: "7" },
    groups: ["factory-a"],
    billingGroup: undefined,
    override: { attributes: "MERGE", typeName: "REPLACE", groups: "DO_NOTHING" },
  };
  const plan = {
    thing,
    certificateStatus: "ACTIVE",
    exclusiveThing: false,
    policies: [{ name: "telemetry", document: undefined }],
    deviceConfiguration: { region: "eu" },
    serialNumber: parameters["SerialNumber"],
  };
  return {
    outcome: { kind: "issued", plan },
    steps: [{ step: "template", verdict: "ok", detail: "thing sensor-SN-1" }],
    warnings: ["The policy allows every topic."],
  };
}

function pageOf<Item>(items: readonly Item[], { limit, cursor }: PageRequest): Page<Item> {
  const from = cursor === undefined ? 0 : Number(cursor);
  const next = from + limit < items.length ? String(from + limit) : undefined;
  return { items: items.slice(from, from + limit), next };
}

function logInto(lines: string[]): AdminPorts["log"] {
  const write = (message: string, fields?: Readonly<Record<string, unknown>>) => {
    lines.push(JSON.stringify({ message, ...fields, error: String(fields?.["error"] ?? "") }));
  };
  return { info: write, warn: write, error: write };
}

const THINGS = [
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

const CERTIFICATES = [
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

const POLICIES = [
  {
    policyName: "telemetry",
    defaultVersion: 1,
    versions: [{ version: 1, createdAtMs: START_MS, document: '{"Version":"2012-10-17","Statement":[]}' }],
  },
] as unknown as readonly PolicyRecord[];

const CLAIMS = [
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

const TEMPLATES = [
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

const ATTEMPTS = [
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

const EVENTS = [
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

const ENTRIES = ["installation.initialized", "claim.created"].map((event, index) => {
  const body = entryBody({ event, actor: "account:acc-1", subject: "claim-1", atMs: START_MS, detail: { index } });
  return { index, body, leafHash: leafHash(body) };
});

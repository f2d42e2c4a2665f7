// A small installation that never changes, and a record of what was asked of it. For tests of the API and of what talks to it.
import { createCredential } from "../../../access/credential.ts";
import type { CredentialRecord } from "../../../access/ports.ts";
import type { CreatedClaim } from "../../../enrollment/claims.ts";
import { ManualClock } from "../../../kit/clock.ts";
import { Fault } from "../../../kit/fault.ts";
import { systemRandom } from "../../../kit/random.ts";
import type { Page, PageRequest } from "../../../registry/ports.ts";
import type { AccountId } from "../../../vocabulary/ids.ts";
import type { AdminPorts } from "../ports.ts";
import {
  ATTEMPTS,
  CERTIFICATE_ID,
  CERTIFICATES,
  CLAIMS,
  DAY_MS,
  ENTRIES,
  EVENTS,
  POLICIES,
  START_MS,
  TEMPLATES,
  THINGS,
} from "./fixed-records.ts";

export const PRIVATE_KEY_PEM = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LWtleQ==\n-----END PRIVATE KEY-----\n";
const CERTIFICATE_PEM = "-----BEGIN CERTIFICATE-----\nY2VydA==\n-----END CERTIFICATE-----\n";
const CA_PEM = "-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n";

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
      create: async (request: { csrPem: string | undefined }, actor: unknown): Promise<CreatedClaim> => {
        await note("claims.create")(request, actor);
        return issued(request.csrPem);
      },
      rotate: async (request: { csrPem: string | undefined }, actor: unknown): Promise<CreatedClaim> => {
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

function issued(csrPem: string | undefined): CreatedClaim {
  return {
    claim: CLAIMS[0]!,
    certificateId: CERTIFICATE_ID as CreatedClaim["certificateId"],
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

// Every reason code, provoked from outside: through MQTT, TLS or the administration API. A code without a case here fails to compile
// and to pass.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { buildCsr, fileSigner, generateEcKey } from "@fleetmint/pki";
import { createClient, FleetmintError } from "@fleetmint/sdk";
import { FAULT_CODES, FAULTS, type FaultCode, type FaultPoint, onFaultPoint } from "@fleetmint/server";
import { awsTopics } from "@fleetmint/wire";
import {
  applySimpleTemplate,
  type Credentials,
  createClaim,
  createFromCsr,
  createKeys,
  csrFor,
  provision,
  type RawConnect,
  RawConnection,
  Rejected,
  registerThing,
  requestWithCsr,
  SIMPLE_TEMPLATE,
  SimulatedDevice,
  selfSigned,
  startWorld,
  type TestClaim,
  untilEvent,
  untilRecorded,
  type World,
} from "../src/index.ts";

const ALL = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] };
const DAY_MS = 24 * 3600_000;

let world: World;
let names = 0;

const newName = () => `c${++names}`;
const { thing, certificate, policy } = SIMPLE_TEMPLATE.Resources;

async function apply(resources: object, settings: object = {}, parameters: object = SIMPLE_TEMPLATE.Parameters) {
  const templateName = newName();
  const body = JSON.stringify({ Parameters: parameters, Resources: resources });
  await world.admin.applyTemplate({ templateName, body, ...settings });
  return templateName;
}

/** A template whose hook is this handler body. */
const hooked = (source: string) =>
  apply(SIMPLE_TEMPLATE.Resources, {
    hook: { kind: "handler", fileName: "hook.mjs", source: `export const handler = async (event) => { ${source} };` },
  });

const claimFor = (template: string, request: object = {}) => createClaim(world, { templates: [template], ...request });

async function device(request: { template?: string; claim?: TestClaim; serial?: string } = {}) {
  const { template = "simple", serial = newName() } = request;
  const claim = request.claim ?? (await claimFor(template));
  const made = await provision(world.target, claim, {
    clientId: serial,
    template,
    parameters: { SerialNumber: serial },
  });
  return { ...made, claim, thingName: made.thingName! };
}

/** A device that policies let do everything, so that what refuses it is something else. */
async function mightyDevice() {
  const made = await device();
  await world.admin.attachPolicy({ policyName: "all", target: { kind: "thing", id: made.thingName } });
  return made;
}

/** CONNACK says so, and an event or attempt does. */
async function atConnect(code: FaultCode, credentials: Credentials | undefined, options: Partial<RawConnect> = {}) {
  const clientId = options.clientId ?? newName();
  await using connection = await RawConnection.open(world.target, credentials);
  const connack = await connection.connect({ ...options, clientId });
  assert.ok(connack.reasonCode >= 0x80, `${connack.reasonCode}`);
  assertSentence(code, connack.reasonString);
  await untilRecorded(world, clientId, code);
}

/** DISCONNECT says so after this was done, and an event does. */
async function ended(code: FaultCode, credentials: Credentials, act: (connection: RawConnection) => unknown) {
  const clientId = newName();
  await using connection = await RawConnection.open(world.target, credentials);
  assert.equal((await connection.connect({ clientId })).reasonCode, 0);
  await act(connection);
  assertSentence(code, (await connection.next("disconnect")).reasonString);
  await untilRecorded(world, clientId, code);
}

/** The request is answered by `…/rejected` with the code, and the attempt says so. */
async function rejected(
  code: FaultCode,
  claim: Credentials,
  ask: (device: SimulatedDevice) => Promise<unknown>,
): Promise<void> {
  const clientId = newName();
  await using connection = await SimulatedDevice.connect(world.target, claim, { clientId });
  await assertRejected(code, () => ask(connection));
  await untilRecorded(world, clientId, code);
}

async function assertRejected(code: FaultCode, ask: () => Promise<unknown>): Promise<void> {
  await assert.rejects(ask(), (error) => {
    assert.ok(error instanceof Rejected, String(error));
    assert.equal(error.reason, code, error.message);
    assert.ok(error.message.includes(FAULTS[code].remedy), "the answer names the remedy");
    return true;
  });
}

/** Redeeming through this template is refused. */
async function redeemRejected(
  code: FaultCode,
  template: string,
  parameters: Record<string, string>,
  claim?: TestClaim,
) {
  await rejected(code, claim ?? (await claimFor(template)), async (connection) => {
    const { ownershipToken: token } = await createFromCsr(connection);
    return registerThing(connection, { template, token, parameters });
  });
}

async function byAdministration(code: FaultCode, request: Promise<unknown>): Promise<void> {
  await assert.rejects(request, (error) => {
    assert.ok(error instanceof FleetmintError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.remedy, FAULTS[code].remedy);
    return true;
  });
}

function assertSentence(code: FaultCode, text: string | undefined): void {
  assert.equal(text?.split(":")[0], code, text);
  assert.ok(text?.endsWith(FAULTS[code].remedy), "the reason ends with the remedy");
}

/** The next time this point is passed, it fails. */
function failOnceAt(point: FaultPoint, error: Error): void {
  onFaultPoint((passed) => {
    if (passed !== point) return;
    onFaultPoint(undefined);
    throw error;
  });
}

const CASES: Record<FaultCode, () => Promise<void>> = {
  certificate_missing: () => atConnect("certificate_missing", undefined),
  certificate_unknown: async () => atConnect("certificate_unknown", await selfSigned("stranger")),
  certificate_pending: async () => {
    await using asking = await SimulatedDevice.connect(world.target, await createClaim(world), { clientId: newName() });
    await atConnect("certificate_pending", await createKeys(asking));
  },
  certificate_inactive: async () => {
    const inactive = { ...certificate, Properties: { ...certificate.Properties, Status: "INACTIVE" } };
    const template = await apply({ thing, certificate: inactive, policy });
    await atConnect("certificate_inactive", await device({ template }));
  },
  certificate_revoked: async () => {
    const made = await device();
    await world.admin.revokeCertificate({ certificateId: made.certificateId });
    await atConnect("certificate_revoked", made);
  },
  certificate_expired: async () => {
    const made = await device({ template: await apply(SIMPLE_TEMPLATE.Resources, { certificateDays: 1 }) });
    await during(2 * DAY_MS, () => atConnect("certificate_expired", made));
  },
  certificate_not_yet_valid: async () => {
    const made = await device();
    await during(-2 * DAY_MS, () => atConnect("certificate_not_yet_valid", made));
  },
  claim_disabled: async () => {
    const claim = await createClaim(world);
    await world.admin.disableClaim({ claimId: claim.claimId });
    await atConnect("claim_disabled", claim);
  },
  claim_suspended: async () => {
    const claim = await createClaim(world);
    await world.admin.suspendClaim({ claimId: claim.claimId });
    await atConnect("claim_suspended", claim);
  },
  claim_expired: async () => {
    const claim = await createClaim(world, { validForSeconds: 3600 });
    await using live = await RawConnection.open(world.target, claim);
    await live.connect({ clientId: newName() });
    await during(2 * 3600_000, async () => {
      world.clock.advance(1000);
      // The certificate of a claim ends with it; a connection that lives is told which of the two it was.
      assertSentence("claim_expired", (await live.next("disconnect")).reasonString);
    });
    await untilEvent(world, "claim_expired");
  },
  claim_not_yet_valid: async () => {
    const notBefore = new Date(world.clock.now() + DAY_MS).toISOString();
    await atConnect("claim_not_yet_valid", await createClaim(world, { notBefore }));
  },
  claim_network_refused: async () =>
    atConnect("claim_network_refused", await createClaim(world, { networks: ["192.0.2.0/24"] })),
  claim_client_id_busy: async () => {
    const claim = await createClaim(world);
    await using first = await RawConnection.open(world.target, claim);
    const clientId = newName();
    await first.connect({ clientId });
    await atConnect("claim_client_id_busy", claim, { clientId });
    assert.equal(await first.roundTrip(), true);
  },
  claim_connect_refused: async () => {
    const will = {
      topic: "x",
      payload: new Uint8Array(),
      qos: 0,
      retain: false,
      delayInterval: 0,
      properties: {},
    } as const;
    await atConnect("claim_connect_refused", await createClaim(world), { will });
  },
  connect_not_authorized: async () => {
    const template = await apply({ thing, certificate });
    await atConnect("connect_not_authorized", await device({ template }));
  },
  connection_limit_reached: async () => {
    // One event for each address and ten seconds; earlier cases have used up the present ones.
    world.clock.advance(10_000);
    // In TLS 1.2 the server's last word ends the handshake: once the client knows, so does the server.
    await using idle = await RawConnection.open(world.target, undefined, { maxVersion: "TLSv1.2" });
    world.clock.advance(10_000);
    await idle.closed;
    const { message } = await untilEvent(world, "connection_limit_reached");
    assert.match(message, /No CONNECT was accepted in time/);
  },

  payload_malformed: async () =>
    rejected("payload_malformed", await createClaim(world), async (connection) => {
      const { request, rejected: answers } = awsTopics.createKeys("json");
      await connection.client.subscribe([{ filter: answers }]);
      const answer = connection.nextMessage(() => true);
      await connection.client.publish({ topic: request, payload: "{", qos: 1 });
      throw new Rejected(JSON.parse(Buffer.from((await answer).payload).toString()));
    }),
  payload_too_large: async () =>
    rejected("payload_too_large", await createClaim(world), (connection) =>
      createKeys(connection, "json", { filler: "x".repeat(17 * 1024) }),
    ),
  operation_unknown: async () =>
    ended("operation_unknown", await mightyDevice(), (connection) =>
      connection.publish({ topic: "$aws/things/x/shadow/get", qos: 1 }),
    ),
  csr_malformed: async () =>
    rejected("csr_malformed", await createClaim(world), (connection) => requestWithCsr(connection, "not a request")),
  csr_signature_invalid: async () =>
    rejected("csr_signature_invalid", await createClaim(world), async (connection) => {
      const [own, others] = [fileSigner(generateEcKey().privateKey), fileSigner(generateEcKey().privateKey)];
      const thief = { ...own, publicKeySpki: others.publicKeySpki };
      return requestWithCsr(connection, (await buildCsr({ subject: { commonName: "x" } }, thief)).pem);
    }),
  key_algorithm_refused: async () =>
    rejected("key_algorithm_refused", await createClaim(world), (connection) =>
      createKeys(connection, "json", { keyAlgorithm: "DSA_1024" }),
    ),
  key_weak: async () =>
    rejected("key_weak", await createClaim(world), async (connection) => {
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
      return requestWithCsr(connection, await csrFor(privateKey));
    }),
  key_revoked: async () => {
    const claim = await createClaim(world);
    const { privateKey } = generateEcKey();
    const serial = newName();
    await using first = await SimulatedDevice.connect(world.target, claim, { clientId: serial });
    const answer = await requestWithCsr(first, await csrFor(privateKey));
    await registerThing(first, {
      template: "simple",
      token: answer["certificateOwnershipToken"] as string,
      parameters: { SerialNumber: serial },
    });
    const certificateId = answer["certificateId"] as string;
    await world.admin.revokeCertificate({ certificateId, reason: "key_compromise" });
    await rejected("key_revoked", claim, async (connection) => requestWithCsr(connection, await csrFor(privateKey)));
  },
  key_in_use: async () => {
    const claim = await createClaim(world);
    const csr = await csrFor(generateEcKey().privateKey);
    await using first = await SimulatedDevice.connect(world.target, claim, { clientId: newName() });
    await requestWithCsr(first, csr);
    await rejected("key_in_use", claim, (connection) => requestWithCsr(connection, csr));
  },
  claim_quota_exceeded: async () => {
    const claim = await createClaim(world, { maxDevices: 1 });
    await device({ claim });
    await rejected("claim_quota_exceeded", claim, (connection) => createKeys(connection));
  },
  claim_pending_limit: async () =>
    rejected("claim_pending_limit", await createClaim(world, { maxDevices: 1 }), async (connection) => {
      for (let request = 0; request < 3; request++) await createKeys(connection);
    }),
  claim_rate_exceeded: async () =>
    rejected("claim_rate_exceeded", await createClaim(world, { maxPerMinute: 1 }), async (connection) => {
      for (let request = 0; request < 2; request++) await createKeys(connection);
    }),
  claim_template_refused: async () =>
    // A claim cannot even publish on another template's topic; a device that may publish everywhere has no claim.
    rejected("claim_template_refused", await mightyDevice(), (connection) =>
      registerThing(connection, { template: "simple", token: "x", parameters: {} }),
    ),
  template_unknown: async () =>
    rejected("template_unknown", await mightyDevice(), (connection) =>
      registerThing(connection, { template: "no name!", token: "x", parameters: {} }),
    ),
  template_disabled: async () => {
    const template = await apply(SIMPLE_TEMPLATE.Resources);
    const claim = await claimFor(template);
    await world.admin.applyTemplate({ templateName: template, enabled: false });
    await redeemRejected("template_disabled", template, { SerialNumber: newName() }, claim);
  },
  token_missing: async () =>
    rejected("token_missing", await createClaim(world), (connection) =>
      registerThing(connection, { template: "simple", token: "", parameters: {} }),
    ),
  token_unknown: async () =>
    rejected("token_unknown", await createClaim(world), (connection) =>
      registerThing(connection, { template: "simple", token: "made-up", parameters: {} }),
    ),
  token_expired: async () =>
    rejected("token_expired", await createClaim(world), async (connection) => {
      const { ownershipToken: token } = await createKeys(connection);
      world.clock.jump(3600_000);
      return registerThing(connection, { template: "simple", token, parameters: { SerialNumber: "x" } });
    }),
  token_principal_mismatch: async () => {
    const claim = await createClaim(world);
    await using other = await SimulatedDevice.connect(world.target, claim, { clientId: newName() });
    const { ownershipToken: token } = await createKeys(other);
    await rejected("token_principal_mismatch", claim, (connection) =>
      registerThing(connection, { template: "simple", token, parameters: { SerialNumber: newName() } }),
    );
  },
  token_already_used: async () =>
    rejected("token_already_used", await createClaim(world), async (connection) => {
      const { ownershipToken: token } = await createKeys(connection);
      await registerThing(connection, { template: "simple", token, parameters: { SerialNumber: newName() } });
      return registerThing(connection, { template: "simple", token, parameters: { SerialNumber: newName() } });
    }),
  parameter_missing: () => redeemRejected("parameter_missing", "simple", {}),
  parameter_invalid: () => redeemRejected("parameter_invalid", "simple", { SerialNumber: "a+b" }),
  serial_missing: async () => redeemRejected("serial_missing", "simple", {}, await listed("X-1")),
  serial_not_expected: async () =>
    redeemRejected("serial_not_expected", "simple", { SerialNumber: "X-2" }, await listed("X-1")),
  hook_denied: async () =>
    redeemRejected("hook_denied", await hooked("return { allowProvisioning: false }"), { SerialNumber: newName() }),
  hook_failed: async () =>
    redeemRejected("hook_failed", await hooked('throw new Error("no database")'), { SerialNumber: newName() }),
  hook_timeout: async () => {
    const template = await hooked(
      'if (event.parameters.SerialNumber !== "warm") await new Promise(() => {}); return { allowProvisioning: true }',
    );
    const claim = await claimFor(template);
    await provision(world.target, claim, { clientId: newName(), template, parameters: { SerialNumber: "warm" } });
    let over = false;
    const denied = redeemRejected("hook_timeout", template, { SerialNumber: newName() }, claim).finally(() => {
      over = true;
    });
    while (!over) {
      await world.admin.listGroups({});
      if (!over) world.clock.advance(500);
    }
    await denied;
  },
  hook_answer_invalid: async () =>
    redeemRejected("hook_answer_invalid", await hooked('return "yes"'), { SerialNumber: newName() }),
  template_evaluation_failed: async () => {
    const ThingName = { "Fn::Select": ["3", { "Fn::Split": ["-", { Ref: "SerialNumber" }] }] };
    const template = await apply({ thing: { ...thing, Properties: { ThingName } }, certificate });
    await redeemRejected("template_evaluation_failed", template, { SerialNumber: "a-b" });
  },
  name_invalid: () => redeemRejected("name_invalid", "simple", { SerialNumber: "two words" }),
  policy_unknown: async () => {
    const absent = { ...policy, Properties: { PolicyName: "not-there" } };
    const template = await apply({ thing, certificate, policy: absent });
    await redeemRejected("policy_unknown", template, { SerialNumber: newName() });
  },
  group_unknown: async () => {
    const grouped = { ...thing, Properties: { ...thing.Properties, ThingGroups: ["not-there"] } };
    const template = await apply({ thing: grouped, certificate });
    await redeemRejected("group_unknown", template, { SerialNumber: newName() });
  },
  thing_type_unknown: async () => {
    const typed = { ...thing, Properties: { ...thing.Properties, ThingTypeName: "not-there" } };
    const template = await apply({ thing: typed, certificate });
    await redeemRejected("thing_type_unknown", template, { SerialNumber: newName() });
  },
  thing_already_provisioned: async () => {
    const serial = newName();
    await device({ serial });
    await redeemRejected("thing_already_provisioned", "simple", { SerialNumber: serial });
  },
  resource_conflict: async () => {
    const strict = { ...thing, OverrideSettings: { AttributePayload: "FAIL" } };
    const template = await apply({ thing: strict, certificate }, { existingThing: "add" });
    const serial = newName();
    await device({ serial });
    await redeemRejected("resource_conflict", template, { SerialNumber: serial, Location: "elsewhere" });
  },
  store_unavailable: async () =>
    rejected("store_unavailable", await createClaim(world), (connection) => {
      // What SQLite says on a full disk (SQLITE_FULL), at the commit of the intent.
      failOnceAt("store-before-commit", Object.assign(new Error("database or disk is full"), { errcode: 13 }));
      return createKeys(connection);
    }),
  clock_set_back: async () =>
    rejected("clock_set_back", await createClaim(world), async (connection) => {
      world.clock.jump(-10 * 60_000);
      try {
        return await createKeys(connection);
      } finally {
        world.clock.jump(10 * 60_000);
      }
    }),
  installation_restored: async () => {
    const claim = await createClaim(world);
    // What `fleetmint restore` does to the data it brought back, without a checkpoint that vouches for the quota.
    await world.server.store.bumpEpoch({ usage: undefined, audit: RESTORE });
    await atConnect("installation_restored", claim);
    await world.admin.resumeClaim({ claimId: claim.claimId });
    await device({ claim });
  },
  internal_error: async () =>
    rejected("internal_error", await createClaim(world), async (connection) => {
      const { ownershipToken: token } = await createKeys(connection);
      failOnceAt("plan-evaluated", new Error("a bug with a secret in it"));
      return registerThing(connection, { template: "simple", token, parameters: { SerialNumber: newName() } });
    }),

  publish_not_authorized: async () =>
    ended("publish_not_authorized", await device(), (connection) => connection.publish({ topic: "elsewhere", qos: 1 })),
  subscribe_not_authorized: async () => {
    const clientId = newName();
    await using connection = await RawConnection.open(world.target, await device());
    await connection.connect({ clientId });
    assert.deepEqual(await connection.subscribe("elsewhere/#"), [0x87]);
    await untilRecorded(world, clientId, "subscribe_not_authorized");
  },
  will_not_authorized: async () => {
    const will = {
      topic: "elsewhere",
      payload: new Uint8Array(),
      qos: 0,
      retain: false,
      delayInterval: 0,
      properties: {},
    } as const;
    await atConnect("will_not_authorized", await device(), { will });
  },
  protocol_error: async () => {
    const clientId = newName();
    await using connection = await RawConnection.open(world.target, await device());
    await connection.connect({ clientId });
    connection.write(Buffer.of(0xf0 | 1, 0));
    assert.ok((await connection.next("disconnect")).reasonCode >= 0x80);
    await untilRecorded(world, clientId, "protocol_error");
  },
  keepalive_timeout: async () => {
    const clientId = newName();
    await using connection = await RawConnection.open(world.target, await device());
    await connection.connect({ clientId, keepAlive: 10 });
    world.clock.advance(16_000);
    assertSentence("keepalive_timeout", (await connection.next("disconnect")).reasonString);
    await untilRecorded(world, clientId, "keepalive_timeout");
  },
  rate_limited: async () => {
    const publish = Buffer.of(0x30, 4, 0, 1, 0x61, 0);
    await ended("rate_limited", await mightyDevice(), (connection) =>
      // In one TLS record: a client that sends more slowly is read more slowly, and nothing else happens to it.
      connection.write(Buffer.concat(Array.from({ length: 2700 }, () => publish))),
    );
  },
  session_taken_over: async () => {
    const made = await device();
    const clientId = newName();
    await using first = await RawConnection.open(world.target, made);
    await first.connect({ clientId });
    await using second = await RawConnection.open(world.target, made);
    assert.equal((await second.connect({ clientId })).reasonCode, 0);
    assertSentence("session_taken_over", (await first.next("disconnect")).reasonString);
    await untilRecorded(world, clientId, "session_taken_over");
  },

  request_invalid: () => byAdministration("request_invalid", createClaim(world, { maxDevices: 0 })),
  unauthenticated: async () => {
    await using stranger = clientWith(`fmt_${"a".repeat(43)}`);
    await byAdministration("unauthenticated", stranger.listThings({}));
  },
  // Only one role exists in this release; the store is told of a narrower one.
  forbidden: async () => {
    const token = `fmt_${"v".repeat(43)}`;
    const tokenHash = createHash("sha256").update(token).digest("hex");
    const record = { accountId: "acc-viewer", role: "viewer", tokenHash, createdAtMs: 0 };
    const { store } = world.server;
    await store.saveCredential(record as unknown as Parameters<typeof store.saveCredential>[0]);
    await using viewer = clientWith(token);
    await byAdministration("forbidden", viewer.listThings({}));
  },
  not_found: () => byAdministration("not_found", world.admin.getThing({ thingName: "nobody" })),
  already_exists: async () => {
    const groupName = newName();
    await world.admin.createGroup({ groupName });
    await byAdministration("already_exists", world.admin.createGroup({ groupName }));
  },
  conflict: async () => {
    const { claimId } = await createClaim(world);
    await world.admin.disableClaim({ claimId });
    await byAdministration("conflict", world.admin.resumeClaim({ claimId }));
  },
  template_invalid: () => byAdministration("template_invalid", apply({ thing: { Type: "AWS::IoT::Toaster" } })),
  policy_invalid: () =>
    byAdministration("policy_invalid", world.admin.applyPolicy({ policyName: "bad", document: '{"Version":"1"}' })),
  claim_unguarded: () => byAdministration("claim_unguarded", createClaim(world, { guard: { kind: "hook" } })),
  limit_reached: async () => {
    const clientId = newName();
    await using connection = await RawConnection.open(world.target, await mightyDevice());
    await connection.connect({ clientId });
    for (let filter = 0; filter < 50; filter++) await connection.subscribe(`filters/${filter}`);
    assert.deepEqual(await connection.subscribe("filters/50"), [0x97]);
    await untilRecorded(world, clientId, "limit_reached");
  },
};

const clientWith = (token: string) =>
  createClient({ url: `https://localhost:${world.server.httpPort}`, token, ca: world.target.caPem });

/** A claim for one listed serial number. */
const listed = (serial: string) => createClaim(world, { guard: { kind: "serials", serials: [serial] } });

const RESTORE = { event: "installation.restored", actor: "system", subject: "installation", atMs: 0, detail: {} };

/** Runs at another wall-clock time. */
async function during(byMs: number, action: () => Promise<void>): Promise<void> {
  world.clock.jump(byMs);
  try {
    await action();
  } finally {
    world.clock.jump(-byMs);
  }
}

describe("every reason code is met through the wire", () => {
  before(async () => {
    world = await startWorld();
    await applySimpleTemplate(world);
    await world.admin.applyPolicy({ policyName: "all", document: JSON.stringify(ALL) });
  });
  afterEach(() => onFaultPoint(undefined));
  after(() => world.close());

  test("each code has a case", () => {
    assert.deepEqual(Object.keys(CASES).sort(), [...FAULT_CODES].sort());
  });
  for (const code of FAULT_CODES) test(code, () => CASES[code]());
});

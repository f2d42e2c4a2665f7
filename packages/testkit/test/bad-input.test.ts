// Bad input, wherever it comes in, gets a sentence that names the place and the remedy, and changes nothing. What was there before is
// compared with what is there afterwards, row by row and file by file. (Flags of the command line: packages/cli/test/usage.test.ts.)
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { FleetmintError } from "@fleetmint/sdk";
import { Fault, type FaultCode, initialize, ManualClock, startServer, systemRandom } from "@fleetmint/server";
import { awsTopics, encodePayload, type PayloadFormat } from "@fleetmint/wire";
import {
  applySimpleTemplate,
  createClaim,
  createFromCsr,
  SIMPLE_POLICY,
  SIMPLE_TEMPLATE,
  SimulatedDevice,
  startWorld,
  type TestClaim,
  type World,
} from "../src/index.ts";

const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex").slice(0, 12);

/** Every table's rows, as a digest; what is written about refusals is none of it. */
function rows(folder: string): Readonly<Record<string, string>> {
  const database = new DatabaseSync(join(folder, "fleetmint.db"), { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    const names = tables.map(({ name }) => String(name)).filter((name) => !/attempt|event|refusal|sqlite_/.test(name));
    assert.ok(names.length > 10);
    const read = (name: string) => {
      const all = database.prepare(`SELECT * FROM "${name}"`);
      all.setReadBigInts(true);
      return JSON.stringify(all.all(), (_, value) => (typeof value === "bigint" ? String(value) : value));
    };
    return Object.fromEntries(names.map((name) => [name, digest(read(name))]));
  } finally {
    database.close();
  }
}

/** Every file below a folder, as a digest. */
function files(folder: string): Readonly<Record<string, string>> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  // SQLite's shared memory is no data, and a lock that was taken and given back is no change.
  const kept = entries.filter(({ name }) => !/-shm$|-wal$|\.lock$/.test(name));
  return Object.fromEntries(kept.map(({ parentPath, name }) => [name, digest(readFileSync(join(parentPath, name)))]));
}

function assertSentence(text: string): void {
  // It may end with the words of a parser that is quoted.
  assert.match(text, /^\S[\s\S]+[.!?)\w^]\s*$/, text);
  assert.ok(text.length < 1500 && !/undefined|\[object|at file:/.test(text), text);
}

describe("bad input", () => {
  let world: World;
  let claim: TestClaim;
  before(async () => {
    world = await startWorld();
    await applySimpleTemplate(world);
    claim = await createClaim(world, { suspendAfterRefusals: 1000 });
  });
  after(() => world.close());

  /** The administration API refuses it: code, place, remedy; nothing is written. */
  const refuses = (name: string, code: FaultCode, place: RegExp, request: () => Promise<unknown>) =>
    test(name, async () => {
      const before = rows(world.folder);
      await assert.rejects(request(), (error) => {
        assert.ok(error instanceof FleetmintError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.message, place);
        assertSentence(error.message);
        assertSentence(error.remedy);
        return true;
      });
      assert.deepEqual(rows(world.folder), before);
    });

  const { thing, certificate, policy } = SIMPLE_TEMPLATE.Resources;
  const apply = (body: unknown, more: object = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return world.admin.applyTemplate({ templateName: "bad", body: text, ...more });
  };
  const template = (resources: object) => ({ Parameters: SIMPLE_TEMPLATE.Parameters, Resources: resources });
  const named = (ThingName: unknown) => template({ thing: { ...thing, Properties: { ThingName } }, certificate });

  describe("in a template", () => {
    const bad = (name: string, place: RegExp, body: unknown) =>
      refuses(name, "template_invalid", place, () => apply(body));
    bad("that is no JSON", /line 1, column/, '{"Resources": }');
    bad("that ends early", /line 2, column/, '{"Parameters": {},\n "Resources": {');
    bad("with a member twice", /Parameters/, '{"Parameters": {}, "Parameters": {}, "Resources": {}}');
    bad("with __proto__", /__proto__/, '{"Parameters": {}, "Resources": {"__proto__": {"Type": "AWS::IoT::Thing"}}}');
    bad("without resources", /Resources/, { Parameters: {} });
    bad("without a certificate", /Resources.*certificate/i, template({ thing }));
    bad(
      "with an unknown kind of resource",
      /Resources\/toaster\/Type/,
      template({ toaster: { Type: "AWS::IoT::Toaster" }, certificate }),
    );
    bad("with an unknown function", /ThingName.*Fn::Jion/, named({ "Fn::Jion": ["-", ["a"]] }));
    test("with a reference to nothing: a hook may supply it, so it is a warning", async () => {
      const { findings } = await world.admin.lintTemplate({ body: JSON.stringify(named({ Ref: "Nobody" })) });
      assert.ok(
        findings.some(({ path, message }) => /ThingName/.test(path) && /Nobody/.test(message)),
        JSON.stringify(findings),
      );
    });
    bad("with an unknown section", /Ressources/, { ...template({ thing, certificate }), Ressources: {} });
    bad(
      "with a policy of neither name nor document",
      /policy/,
      template({ thing, certificate, policy: { ...policy, Properties: {} } }),
    );
    refuses("that is too long", "request_invalid", /body\.body/, () => apply(`{"x":"${"x".repeat(11_000)}"}`));
    refuses("whose hook does not load", "request_invalid", /hook\.source/, () =>
      apply(SIMPLE_TEMPLATE, { hook: { kind: "handler", fileName: "a.mjs", source: "export const handler = (" } }),
    );
    refuses("whose hook lies in a folder", "request_invalid", /hook\.fileName/, () =>
      apply(SIMPLE_TEMPLATE, { hook: { kind: "handler", fileName: "../a.mjs", source: "x" } }),
    );
    refuses("whose hook is called without TLS", "request_invalid", /hook\.url/, () =>
      apply(SIMPLE_TEMPLATE, { hook: { kind: "webhook", url: "http://example.com/" } }),
    );
    refuses("whose name is none", "request_invalid", /path\.templateName/, () =>
      world.admin.applyTemplate({ templateName: "no name!", body: JSON.stringify(SIMPLE_TEMPLATE) }),
    );
  });

  describe("in a policy", () => {
    const [statement] = SIMPLE_POLICY.Statement;
    const bad = (name: string, place: RegExp, document: unknown) =>
      refuses(name, "policy_invalid", place, () =>
        world.admin.applyPolicy({
          policyName: "bad",
          document: typeof document === "string" ? document : JSON.stringify(document),
        }),
      );
    const with_ = (changes: object) => ({
      Version: "2012-10-17",
      Statement: [statement, { ...statement, ...changes }],
    });
    bad("that is no JSON", /JSON/, "{]");
    bad("of another version", /Version/, { ...SIMPLE_POLICY, Version: "2008-10-17" });
    bad("without statements", /Statement/, { Version: "2012-10-17", Statement: [] });
    bad("with an unknown effect", /Statement.*1.*Effect/, with_({ Effect: "Permit" }));
    bad("with an action that is none", /Statement.*1.*Action/, with_({ Action: "publish" }));
    bad("with a resource that is no ARN", /Statement.*1.*Resource/, with_({ Resource: "client/x" }));
    bad("with an unknown condition", /Statement.*1.*Condition/, with_({ Condition: { StringLooksLike: { a: "b" } } }));
    refuses("that is too long", "request_invalid", /body\.document/, () =>
      world.admin.applyPolicy({ policyName: "bad", document: `{"x":"${"x".repeat(17_000)}"}` }),
    );
  });

  describe("in a claim", () => {
    refuses("a network that is none", "request_invalid", /networks\.0/, () =>
      createClaim(world, { networks: ["300.0.0.1/8"] }),
    );
    refuses("a template that is not there", "template_unknown", /nowhere/, () =>
      createClaim(world, { templates: ["nowhere"] }),
    );
    refuses("a quota of nothing", "request_invalid", /maxDevices/, () => createClaim(world, { maxDevices: 0 }));
    refuses("a wildcard among the serial numbers", "request_invalid", /serials\.1/, () =>
      createClaim(world, { guard: { kind: "serials", serials: ["A1", "*"] } }),
    );
    refuses("a CSR that cannot be read", "csr_malformed", /PEM|CERTIFICATE REQUEST/, () =>
      createClaim(world, { key: { kind: "csr", csrPem: "what?" } }),
    );
    refuses("a recipient that is none", "request_invalid", /recipient/, () =>
      createClaim(world, { key: { kind: "recipient", recipient: "age1short" } }),
    );
    refuses("a field that is misspelt", "request_invalid", /maxDevice"/, () =>
      createClaim(world, { maxDevice: 5 } as object),
    );
  });

  describe("from a device", () => {
    let connections = 0;
    /** The request is refused with the code, the place is named, and beside the attempt nothing is written. */
    const asked = (
      name: string,
      code: FaultCode,
      place: RegExp,
      make: (token: string) => { topic: string; payload: Uint8Array | string; format?: PayloadFormat },
    ) =>
      test(name, async () => {
        await using device = await SimulatedDevice.connect(world.target, claim, { clientId: `bad-${++connections}` });
        const { ownershipToken } = await createFromCsr(device);
        const { topic, payload } = make(ownershipToken);
        await device.client.subscribe([{ filter: `${topic}/rejected` }]);
        const before = rows(world.folder);
        const rejected = device.nextMessage((message) => message.topic === `${topic}/rejected`);
        await device.client.publish({ topic, payload, qos: 1 });
        const text = Buffer.from((await rejected).payload).toString("latin1");
        assert.ok(text.includes(`[${code}]`), text);
        assert.match(text, place);
        assert.deepEqual(rows(world.folder), before);
      });
    const csr = (certificateSigningRequest: unknown, format: PayloadFormat = "json") => ({
      topic: awsTopics.createFromCsr(format).request,
      payload: encodePayload(format, { certificateSigningRequest } as object),
    });
    const register = (fields: object, format: PayloadFormat = "json") => ({
      topic: awsTopics.registerThing("simple", format).request,
      payload: encodePayload(format, fields),
    });
    const text = (topic: string, payload: Uint8Array | string) => ({ topic, payload });
    const keys = awsTopics.createKeys("json").request;

    asked("a payload that is no JSON", "payload_malformed", /JSON/, () => text(keys, "{'a': 1}"));
    asked("a payload that is a list", "payload_malformed", /map|object/i, () => text(keys, "[]"));
    asked("a payload that is no CBOR", "payload_malformed", /CBOR/, () =>
      text(awsTopics.createKeys("cbor").request, Buffer.of(0xa1, 0x61)),
    );
    asked("CBOR that nests without end", "payload_malformed", /CBOR|depth|nest/i, () =>
      text(awsTopics.createKeys("cbor").request, Buffer.alloc(2000, 0x81)),
    );
    asked("a payload that is too large", "payload_too_large", /16384/, () =>
      text(keys, `{"a":"${"a".repeat(17_000)}"}`),
    );
    asked("a CSR that is a number", "payload_malformed", /certificateSigningRequest/, () => csr(7));
    asked("a CSR that is no PEM", "csr_malformed", /PEM|CERTIFICATE REQUEST/, () => csr("MIIB"));
    asked("a CSR that is too long", "csr_malformed", /4096/, () => csr("x".repeat(5000), "cbor"));
    asked("no CSR", "payload_malformed", /certificateSigningRequest/, () => csr(undefined));
    asked("no token", "token_missing", /token/, () => register({}));
    asked("parameters that are text", "payload_malformed", /parameters/, (token) =>
      register({ certificateOwnershipToken: token, parameters: "x" }),
    );
    asked("a parameter that is a number", "payload_malformed", /SerialNumber/, (token) =>
      register({ certificateOwnershipToken: token, parameters: { SerialNumber: 7 } }, "cbor"),
    );
    asked("too many parameters", "parameter_invalid", /65 parameters.*64/, (token) =>
      register({
        certificateOwnershipToken: token,
        parameters: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, "x"])),
      }),
    );
    asked("a parameter that is too long", "parameter_invalid", /Location.*5000/, (token) =>
      register({ certificateOwnershipToken: token, parameters: { SerialNumber: "a", Location: "x".repeat(5000) } }),
    );
    asked("a serial number that is too long", "parameter_invalid", /SerialNumber.*129.*128/, (token) =>
      register({ certificateOwnershipToken: token, parameters: { SerialNumber: "x".repeat(129) } }),
    );
    for (const serial of ["*", "a?", "${iot:Connection.Thing.ThingName}", "{x}", "a+b", "#", "../b", "a\u0007b"]) {
      asked(`the serial number ${JSON.stringify(serial)}`, "parameter_invalid", /SerialNumber/, (token) =>
        register({ certificateOwnershipToken: token, parameters: { SerialNumber: serial } }),
      );
    }
    asked("a serial number that makes no thing name", "name_invalid", /ThingName.*two words/, (token) =>
      register({ certificateOwnershipToken: token, parameters: { SerialNumber: "two words" } }),
    );
  });
});

describe("a server does not start, says why, and touches nothing", () => {
  const parent = mkdtempSync(join(tmpdir(), "fleetmint-bad-"));
  const folder = join(parent, "data");
  const clock = new ManualClock();
  before(async () => {
    await initialize({ clock, random: systemRandom() }, { folder, hostNames: ["localhost"] });
  });
  after(() => rmSync(parent, { recursive: true, force: true }));

  const refuses = (name: string, place: RegExp, start: Partial<Parameters<typeof startServer>[0]>, yaml?: string) =>
    test(name, async () => {
      const file = join(folder, "fleetmint.yaml");
      if (yaml !== undefined) writeFileSync(file, yaml);
      const before = files(folder);
      const settings = { mqttPort: 0, httpPort: 0, ...start.settings };
      await assert.rejects(startServer({ folder, clock, ...start, settings }), (error) => {
        assert.ok(error instanceof Fault, String(error));
        assert.match(error.message, place);
        assertSentence(error.message);
        return true;
      });
      assert.deepEqual(files(folder), before);
      rmSync(file, { force: true });
    });

  refuses("a folder that is none", /elsewhere.*fleetmint init/, { folder: join(parent, "elsewhere") });
  refuses("fleetmint.yaml that is no YAML", /fleetmint\.yaml.*line 1/s, {}, "host: [");
  refuses("fleetmint.yaml that is a list", /fleetmint\.yaml must be a map/, {}, "- host");
  refuses("a setting that is misspelt", /unknown setting mqtPort.*mqttPort/, {}, "mqtPort: 1");
  refuses("a port that is none, in the environment", /mqttPort/, {
    environment: { FLEETMINT_MQTT_PORT: "eight" },
    settings: { httpPort: 0, mqttPort: undefined },
  });
  refuses("every mistake at once", /mqttPort.*awsAccountId.*logLevel|awsAccountId.*logLevel.*mqttPort/, {
    settings: { mqttPort: 70_000, awsAccountId: "12", logLevel: "loud" },
  });
  refuses("workers that cannot share a store", /--workers.*Leave it out/, { settings: { workers: 3 } });
  refuses("a passphrase file that is not there", /passphrase file .*gone/, {
    settings: { caPassphraseFile: join(parent, "gone") },
  });

  test("a network for hooks that is none", async () => {
    const settings = { mqttPort: 0, httpPort: 0, hookNetworks: ["10.0.0.0/40"] };
    const { checkpoints: _, ...before } = rows(folder);
    await assert.rejects(startServer({ folder, clock, settings }), (error) => {
      assert.ok(error instanceof Fault);
      assert.match(error.message, /"10\.0\.0\.0\/40" is not a network in CIDR form/);
      return true;
    });
    // It is found once the store is open; a checkpoint of the log as it stands may have been signed by then.
    const { checkpoints: __, ...now } = rows(folder);
    assert.deepEqual(now, before);
  });

  test("a database of a newer release", async () => {
    const file = join(folder, "fleetmint.db");
    const original = readFileSync(file);
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 4711");
    database.close();
    const before = files(folder);
    await assert.rejects(startServer({ folder, clock, settings: { mqttPort: 0, httpPort: 0 } }), (error) => {
      assert.ok(error instanceof Fault);
      assert.match(error.message, /fleetmint\.db has schema version 4711.*restore a backup.*Nothing was changed/);
      return true;
    });
    assert.deepEqual(files(folder), before);
    writeFileSync(file, original);
  });

  test("a database that is something else", async () => {
    const file = join(folder, "fleetmint.db");
    const original = readFileSync(file);
    writeFileSync(file, "Dear diary, today I was overwritten. ".repeat(200));
    const before = files(folder);
    await assert.rejects(startServer({ folder, clock, settings: { mqttPort: 0, httpPort: 0 } }), (error) => {
      assert.ok(error instanceof Fault);
      assert.match(error.message, /fleetmint\.db is not a Fleetmint database/);
      return true;
    });
    assert.deepEqual(files(folder), before);
    writeFileSync(file, original);
  });

  test("a second server on the same folder", async () => {
    const settings = { mqttPort: 0, httpPort: 0 };
    const first = await startServer({ folder, clock, settings });
    try {
      const before = rows(folder);
      await assert.rejects(startServer({ folder, clock, settings }), (error) => {
        assert.ok(error instanceof Fault);
        assert.equal(error.code, "conflict");
        assertSentence(error.message);
        return true;
      });
      assert.deepEqual(rows(folder), before);
    } finally {
      await first.close();
    }
  });

  test("and starts once the mistakes are gone", async () => {
    const server = await startServer({ folder, clock, settings: { mqttPort: 0, httpPort: 0 } });
    await server.close();
  });
});

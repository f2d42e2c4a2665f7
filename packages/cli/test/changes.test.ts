import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Fixture, startFixture } from "./fixture.ts";

async function within(action: (fixture: Fixture) => Promise<void>): Promise<void> {
  await using fixture = await startFixture();
  await action(fixture);
}

const CLAIM = ["claim", "create", "--template", "factory", "--out"];

test("claim create writes its files and says exactly what scripts rely on", () =>
  within(async ({ folder, json }) => {
    const out = join(folder, "claim");
    const value = await json(...CLAIM, out, "--plain", "--allow-any-device", "--max-devices", "10");
    assert.deepEqual(value, {
      claimId: "claim-1",
      template: "factory",
      certificatePath: join(out, "claim.cert.pem"),
      privateKeyPath: join(out, "claim.key.pem"),
      caPath: join(out, "ca.pem"),
      maxDevices: 10,
      notBefore: "2026-01-01T00:00:00.000Z",
      notAfter: "2026-04-01T00:00:00.000Z",
    });
    assert.match(readFileSync(join(out, "claim.cert.pem"), "utf8"), /BEGIN CERTIFICATE/);
    assert.match(readFileSync(join(out, "claim.key.pem"), "utf8"), /BEGIN PRIVATE KEY/);
    assert.match(readFileSync(join(out, "ca.pem"), "utf8"), /BEGIN CERTIFICATE/);
    assert.equal(statSync(join(out, "claim.key.pem")).mode & 0o777, 0o600);
  }));

test("claim create sends every limit in the wire's units", () =>
  within(async ({ folder, fleetmint, calls, file }) => {
    const serials = file("serials.csv", '\uFEFFSerialNumber;note\nSN-1;first\n# later\n\n"SN-2"\r\n');
    const { code, err } = await fleetmint(
      ...[...CLAIM, join(folder, "c"), "--plain", "--serials", serials, "--valid-for", "12h", "--from", "192.0.2.0/24"],
      ...["--from", "2001:db8::/32", "--batch", "B7", "--supplier", "ACME", "--max-rate", "30", "--suspend-after", "5"],
      ...["--key-type", "RSA_2048", "--max-devices", "2"],
    );
    assert.equal(code, 0, err);
    assert.deepEqual((calls[0]![1] as unknown[])[0], {
      templates: ["factory"],
      guard: { kind: "serials", serials: ["SN-1", "SN-2"] },
      batch: "B7",
      supplier: "ACME",
      maxDevices: 2,
      notBeforeMs: undefined,
      validForMs: 12 * 3600_000,
      networks: ["192.0.2.0/24", "2001:db8::/32"],
      maxPerMinute: 30,
      suspendAfterRefusals: 5,
      keyAlgorithm: "RSA_2048",
      csrPem: undefined,
    });
    assert.match(err, /lies there in the clear/);
  }));

test("a factory's own request leaves no key file", () =>
  within(async ({ folder, json, calls, file }) => {
    const out = join(folder, "c");
    const csr = file("factory.csr", "-----BEGIN CERTIFICATE REQUEST-----\n");
    const value = await json<{ privateKeyPath: unknown }>(...CLAIM, out, "--csr", csr, "--allow-any-device");
    assert.equal(value.privateKeyPath, null);
    assert.equal(existsSync(join(out, "claim.key.pem")), false);
    assert.match(JSON.stringify(calls), /BEGIN CERTIFICATE REQUEST/);
  }));

test("files that exist are not overwritten, and no claim is made", () =>
  within(async ({ folder, fleetmint, calls, file }) => {
    file("claim.key.pem", "precious");
    const { code, err, out } = await fleetmint(...CLAIM, folder, "--plain", "--allow-any-device");
    assert.deepEqual([code, out], [1, ""]);
    assert.match(
      err,
      /^error: The file exists already.*\n {2}where: .*claim\.key\.pem\n {2}fix: {3}Give --out another folder/,
    );
    assert.equal(readFileSync(join(folder, "claim.key.pem"), "utf8"), "precious");
    assert.equal(existsSync(join(folder, "claim.cert.pem")), false);
    assert.deepEqual(calls, []);
  }));

test("a claim that is refused leaves no files", () =>
  within(async ({ folder, fleetmint, refuse }) => {
    refuse(new Error("broken"));
    const { code, err } = await fleetmint(...CLAIM, join(folder, "c"), "--plain", "--allow-any-device");
    assert.equal(code, 1);
    assert.match(err, /internal_error/);
    assert.equal(existsSync(join(folder, "c", "claim.key.pem")), false);
  }));

test("a claim without a way for its key is wrong usage", () =>
  within(async ({ folder, fleetmint }) => {
    const { code, err } = await fleetmint(...CLAIM, join(folder, "c"), "--allow-any-device");
    assert.equal(code, 2);
    assert.match(err, /--csr FILE .*--recipient KEY .*--plain/);
  }));

for (const [what, content, sentence] of [
  ["an empty list", "\n# nothing\n", /lists no serial number/],
  ["a serial listed twice", "SN-1\nSN-2\nSN-1\n", /"SN-1" is listed twice/],
] as const) {
  test(`${what} of serial numbers is refused by file and reason`, () =>
    within(async ({ folder, fleetmint, file }) => {
      const { code, err } = await fleetmint(
        ...CLAIM,
        join(folder, "c"),
        "--plain",
        "--serials",
        file("s.txt", content),
      );
      assert.equal(code, 1);
      assert.match(err, sentence);
      assert.match(err, /s\.txt/);
    }));
}

test("a long list of serial numbers goes in several requests", () =>
  within(async ({ folder, fleetmint, calls, file }) => {
    const serials = Array.from({ length: 50_001 }, (_, index) => `SN-${index}`).join("\n");
    const { code, err } = await fleetmint(...CLAIM, join(folder, "c"), "--plain", "--serials", file("s.txt", serials));
    assert.equal(code, 0, err);
    assert.deepEqual(
      calls.map(([name]) => name),
      ["claims.create", "addExpectedDevices"],
    );
    assert.deepEqual((calls[1]![1] as { serials: string[] }).serials, ["SN-50000"]);
  }));

test("claim rotate writes the new certificate beside nothing old", () =>
  within(async ({ folder, json, calls }) => {
    const value = await json<{ claimId: string }>("claim", "rotate", "claim-1", "--out", join(folder, "r"), "--plain");
    assert.equal(value.claimId, "claim-1");
    assert.equal(calls[0]![0], "claims.rotate");
  }));

for (const [argv, call, answer] of [
  [["thing", "release", "sensor-1"], "releaseThing", { thingName: "sensor-1", released: true }],
  [["thing", "retire", "sensor-1"], "retireThing", { thingName: "sensor-1", status: "retired" }],
  [["thing", "quarantine", "sensor-1"], "quarantineThing", { thingName: "sensor-1", quarantined: true }],
  [["thing", "quarantine", "sensor-1", "--undo"], "quarantineThing", { thingName: "sensor-1", quarantined: false }],
  [["type", "create", "pump"], "createType", { thingTypeName: "pump" }],
  [["group", "create", "g", "--parent", "h"], "createGroup", { groupName: "g", parent: "h", policies: [] }],
  [["group", "add", "g", "sensor-1"], "setGroupMembership", { groupName: "g", thingName: "sensor-1", member: true }],
  [
    ["group", "remove", "g", "sensor-1"],
    "setGroupMembership",
    { groupName: "g", thingName: "sensor-1", member: false },
  ],
  [["claim", "disable", "claim-1", "--reason", "leaked"], "claims.disable", { claimId: "claim-1", status: "disabled" }],
  [["claim", "suspend", "claim-1"], "claims.suspend", { claimId: "claim-1", status: "suspended" }],
  [["claim", "resume", "claim-1"], "claims.resume", { claimId: "claim-1", status: "active" }],
  [["claim", "quarantine", "claim-1"], "claims.quarantine", { claimId: "claim-1", quarantined: true }],
  [["claim", "quarantine", "claim-1", "--undo"], "claims.quarantine", { claimId: "claim-1", quarantined: false }],
  [
    ["policy", "attach", "telemetry", "--group", "g"],
    "attachPolicy",
    { policyName: "telemetry", target: { kind: "group", id: "g" }, attached: true },
  ],
  [
    ["policy", "detach", "telemetry", "--thing", "t"],
    "detachPolicy",
    { policyName: "telemetry", target: { kind: "thing", id: "t" }, attached: false },
  ],
  [
    ["template", "apply", "factory", "--disable"],
    "templates.apply",
    { templateName: "factory", version: 3, changed: true, findings: [], hookSecret: null },
  ],
  [
    ["cert", "revoke", "0123456789abcdef", "--reason", "key_compromise"],
    "certificates.revoke",
    { certificateId: "0123456789abcdef".repeat(4), status: "REVOKED", reason: "key_compromise" },
  ],
] as const) {
  test(`${argv.join(" ")} does it, says it to people and as JSON`, () =>
    within(async ({ fleetmint, json, calls }) => {
      assert.deepEqual(await json(...argv), answer);
      assert.deepEqual(
        calls.map(([name]) => name),
        [call],
      );
      const { code, out } = await fleetmint(...argv);
      assert.equal(code, 0);
      assert.match(out, /^.+\.\n$/);
    }));
}

test("a refusal by the domain is 1 with three lines, and nothing on stdout", () =>
  within(async ({ fleetmint }) => {
    const { code, out, err } = await fleetmint("thing", "show", "nobody", "-o", "json");
    assert.deepEqual([code, out], [1, ""]);
    assert.equal(
      err,
      'error: There is no thing "nobody". (not_found)\n  where: fleetmint thing show nobody\n  fix:   `fleetmint thing list` shows what there is.\n',
    );
  }));

test("template apply sends document, hook file and settings", () =>
  within(async ({ fleetmint, calls, file }) => {
    const document = file("t.json", '{"Parameters":{}}');
    const hook = file("check.mjs", "export const handler = () => ({ allowProvisioning: true });");
    const flags = [
      "--existing-thing",
      "replace",
      "--serial-parameter",
      "Serial",
      "--certificate-days",
      "30",
      "--enable",
    ];
    const { code, err, out } = await fleetmint(
      "template",
      "apply",
      "factory",
      "--file",
      document,
      "--hook",
      hook,
      ...flags,
    );
    assert.equal(code, 0, err);
    assert.match(out, /is at version 3 now/);
    assert.deepEqual((calls[0]![1] as unknown[])[0], {
      name: "factory",
      body: '{"Parameters":{}}',
      settings: { existingThing: "replace", serialParameter: "Serial", certificateDays: 30, enabled: true },
      hook: {
        kind: "handler",
        fileName: "check.mjs",
        source: "export const handler = () => ({ allowProvisioning: true });",
      },
    });
  }));

test("template apply can remove the hook, set a webhook, and says when nothing is to be done", () =>
  within(async ({ fleetmint, calls }) => {
    await fleetmint("template", "apply", "factory", "--no-hook");
    await fleetmint("template", "apply", "factory", "--hook", "https://hooks.example/ask");
    const hooks = calls.map(([, request]) => (request as [{ hook: unknown }])[0].hook);
    assert.deepEqual(hooks, [null, { kind: "webhook", url: "https://hooks.example/ask" }]);
    const nothing = await fleetmint("template", "apply", "factory");
    assert.equal(nothing.code, 2);
    assert.match(nothing.err, /nothing to apply/);
  }));

test("policy apply refuses a document with a mistake, naming the place", () =>
  within(async ({ fleetmint, file }) => {
    const document = file(
      "p.json",
      '{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Action":"iot:Connect","Resource":"*"}]}',
    );
    const { code, err } = await fleetmint("policy", "apply", "p", "--file", document);
    assert.equal(code, 1);
    assert.match(err, /Effect.*\(policy_invalid\)/);
  }));

test("policy attach without a target is wrong usage", () =>
  within(async ({ fleetmint }) => {
    assert.equal((await fleetmint("policy", "attach", "p")).code, 2);
  }));

test("backup names an absolute path on the server", () =>
  within(async ({ json }) => {
    const { path } = await json<{ path: string }>("backup", "--out", "relative.fmb");
    assert.equal(path, join(process.cwd(), "relative.fmb"));
  }));

test("audit export writes lines to a new file and never over an old one", () =>
  within(async ({ folder, json, fleetmint }) => {
    const path = join(folder, "audit.ndjson");
    assert.deepEqual(await json("audit", "export", "--out", path), { path, lines: 2 });
    assert.equal(readFileSync(path, "utf8").trimEnd().split("\n").length, 2);
    assert.equal((await fleetmint("audit", "export", "--out", path)).code, 1);
  }));

test("a field that the server refuses is named without its place in the request, with the command's help", () =>
  within(async ({ fleetmint }) => {
    const { code, err } = await fleetmint("group", "create", "a b");
    assert.equal(code, 1);
    assert.match(
      err,
      /^error: groupName: must be 1–128 .*\n {2}where: fleetmint group create a b\n {2}fix: {3}`fleetmint group create --help`/,
    );
  }));

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { TestCa } from "./test-ca.ts";
import { rejection, TestServer } from "./test-server.ts";
import { TestDevice } from "./world.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const FLAGS = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
const ca = await TestCa.create();

async function agent(...args: string[]) {
  const child = spawn(process.execPath, [...FLAGS, MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

test("provision, provision again, status and export, each with its JSON and exit code 0", async () => {
  await using server = await TestServer.start({ ca });
  using device = new TestDevice(ca, server.claim(), server.port);
  const config = ["-c", device.configPath, "-o", "json"];
  const before = await agent("status", ...config);
  assert.equal(before.code, 1);
  assert.equal(JSON.parse(before.stdout).state, "not-provisioned");

  const first = await agent("provision", ...config);
  assert.equal(first.code, 0, first.stderr);
  const answer = JSON.parse(first.stdout);
  const [certificateId] = server.devices.keys();
  assert.deepEqual([answer.outcome, answer.thingName, answer.certificateId], ["issued", "thing-A-1", certificateId]);
  assert.equal(answer.reason, null);
  assert.ok(Date.parse(answer.expiresAt) > Date.now());

  const second = await agent("provision", ...config);
  assert.equal(second.code, 0);
  assert.equal(JSON.parse(second.stdout).outcome, "already-provisioned");

  const status = await agent("status", ...config);
  assert.equal(status.code, 0);
  assert.deepEqual(
    [JSON.parse(status.stdout).state, JSON.parse(status.stdout).certificateId],
    ["provisioned", certificateId],
  );
  assert.doesNotMatch(status.stdout + first.stdout + first.stderr, /PRIVATE KEY/);

  const out = join(device.folder, "export");
  const exported = await agent("export", ...config, "--out", out);
  const { certificatePath, privateKeyPath, caPath } = JSON.parse(exported.stdout);
  assert.equal(statSync(privateKeyPath).mode & 0o777, 0o600);
  await accepts(server, { cert: certificatePath, key: privateKeyPath, ca: caPath });
});

/** The exported files make a TLS connection that verifies the server. */
async function accepts(server: TestServer, paths: { cert: string; key: string; ca: string }): Promise<void> {
  const read = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, readFileSync(path)]));
  const socket = connectTls({ host: "127.0.0.1", servername: "localhost", port: server.port, ...read });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  socket.destroy();
}

test("a refusal is three lines, exit code 1 and denied in JSON; the claim stays", async () => {
  await using server = await TestServer.start({ ca });
  server.interference = {
    onRequest: () => rejection(403, "AccessDenied", "The hook refused this device.\u001b[2J [hook_denied]"),
  };
  using device = new TestDevice(ca, server.claim(), server.port);
  const { code, stdout, stderr } = await agent("provision", "-c", device.configPath, "-o", "json");
  assert.equal(code, 1);
  const lines = stderr.trimEnd().split("\n").slice(-3);
  assert.match(
    lines[0]!,
    /^fleetmint-agent: The server refused \(403 AccessDenied\): The hook refused this device\. \[2J/,
  );
  assert.match(lines[1]!, /^ {2}at: {2}localhost:\d+, \$aws\/certificates\/create-from-csr\/json$/);
  assert.match(lines[2]!, /^ {2}fix: .*fleetmint attempt list/);
  const answer = JSON.parse(stdout);
  assert.deepEqual([answer.outcome, answer.reason, answer.thingName], ["denied", "hook_denied", null]);
  assert.equal(existsSync(device.claimKeyPath), true);
});

test("a server that is not there is a failure after the last try, with exit code 1", async () => {
  const gone = await TestServer.start({ ca });
  using device = new TestDevice(ca, gone.claim(), gone.port);
  await gone[Symbol.asyncDispose]();
  const { code, stdout } = await agent("provision", "-c", device.configPath, "-o", "json", "--timeout", "0");
  assert.equal(code, 1);
  assert.deepEqual([JSON.parse(stdout).outcome, JSON.parse(stdout).reason], ["failed", "server_unreachable"]);
});

test("a key that others can read is provisioned with, and spoken of", async () => {
  await using server = await TestServer.start({ ca });
  using device = new TestDevice(ca, server.claim(), server.port);
  chmodSync(device.claimKeyPath, 0o644);
  const { code, stderr } = await agent("provision", "-c", device.configPath);
  assert.equal(code, 0);
  assert.match(stderr, /can be read by other users \(mode 644\); run: chmod 600/);
});

test("wrong usage has exit code 2: an unknown command or option, no such file, a configuration with faults", async () => {
  using device = new TestDevice(ca, ca.leaf({ profile: "claim", commonName: "c" }), 1, { endpoint: "" });
  const calls = [
    ["provisoin"],
    ["provision", "--frob"],
    ["status", "-c", "/nonexistent"],
    ["run", "-c", device.configPath],
  ];
  const results = await Promise.all(calls.map((args) => agent(...args)));
  assert.deepEqual(
    results.map(({ code }) => code),
    [2, 2, 2, 2],
  );
  assert.match(results[3]!.stderr, /endpoint is missing/);
});

test("help shows a configuration that works and examples to paste", async () => {
  const [root, sub] = await Promise.all([agent("--help"), agent("provision", "--help")]);
  assert.deepEqual([root.code, sub.code], [0, 0]);
  assert.match(root.stdout, /"fleet-provisioning"/);
  assert.match(sub.stdout, /fleetmint-agent provision --config agent\.json/);
});

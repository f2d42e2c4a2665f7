// The server as a process: what it refuses to start on, and how it ends.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { openTls, provision, SimulatedDevice } from "@fleetmint/testkit";
import { fleetmint, missing, must, ROOT, start } from "./support/commands.ts";
import { initialize, prepareFleet, temporaryFolder, writeAgentConfig } from "./support/fleet.ts";
import { type Serving, startServing, whenReady } from "./support/serving.ts";

const folder = temporaryFolder();
const data = join(folder.path, "server");
const claimFolder = join(folder.path, "claim");

before(() => initialize(data, ["localhost", "127.0.0.1"]));
after(() => folder[Symbol.dispose]());

const serve = (...args: string[]) =>
  fleetmint(["serve", "--data", data, "--mqtt-port", "0", "--http-port", "0", ...args]);

test("a second server on the same folder is refused with the first one's process id", async () => {
  await using first = await startServing(data);
  const { code, stderr } = await serve();
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^error: .*is served by another process \\(pid ${first.pid}\\)`));
});

test("a port that is taken is refused by its number and flag, for devices and for administrators", async () => {
  await using first = await startServing(data);
  using second = temporaryFolder();
  const other = join(second.path, "server");
  await initialize(other, ["localhost"]);
  for (const [flag, port] of [
    ["--mqtt-port", first.mqttPort],
    ["--http-port", first.httpPort],
  ] as const) {
    const ports = ["--mqtt-port", "0", "--http-port", "0", flag, String(port)];
    const { code, stderr } = await fleetmint(["serve", "--data", other, ...ports]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^error: Port ${port} of 127\\.0\\.0\\.1 is taken by another process; .*${flag} `));
    assert.equal(stderr.trim().split("\n").length, 3, stderr);
  }
});

test("a port that this user may not have is refused by its number and flag", { skip: noForbiddenPort() }, async () => {
  using second = temporaryFolder();
  const other = join(second.path, "server");
  await initialize(other, ["localhost"]);
  must("chown", "-R", "65534:65534", second.path);
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
  const { code, stderr } = await fleetmint(["serve", "--data", other, "--mqtt-port", "7"], { within: nobody });
  assert.equal(code, 1);
  assert.match(stderr, /^error: This user may not listen on port 7 .*--mqtt-port .*CAP_NET_BIND_SERVICE/);
});

function noForbiddenPort(): string | false {
  if (process.getuid?.() !== 0) return "becoming another user needs root";
  const first = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  if (first <= 7) return "every user may listen on every port here";
  return missing("setpriv") ?? false;
}

test("a database of a newer release is refused and left as it is", async () => {
  const file = join(data, "fleetmint.db");
  const setVersion = (version: number): number => {
    const database = new DatabaseSync(file);
    const before = database.prepare("PRAGMA user_version").get()?.["user_version"] as number;
    database.exec(`PRAGMA user_version = ${version}`);
    database.close();
    return before;
  };
  const present = setVersion(999);
  const digest = (): string => createHash("sha256").update(readFileSync(file)).digest("hex");
  const before = [digest(), statSync(file).mtimeMs];
  const { code, stderr } = await serve();
  assert.equal(code, 1);
  assert.match(stderr, /schema version 999; this release knows versions up to \d+\. Start the newer release/);
  assert.deepEqual([digest(), statSync(file).mtimeMs], before);
  setVersion(present);
  await using again = await startServing(data);
  assert.ok(again.mqttPort > 0);
});

test("SIGTERM ends a server with live, silent and half-open connections within ten seconds", async () => {
  await using server = await startServing(data);
  await prepareFleet(data, claimFolder);
  const read = (name: string): string => readFileSync(join(claimFolder, name), "utf8");
  const target = { host: "localhost", port: server.mqttPort, caPem: read("ca.pem") };
  const claim = { certificatePem: read("claim.cert.pem"), privateKeyPem: read("claim.key.pem") };
  const made = await provision(target, claim, {
    clientId: "A",
    template: "camera",
    parameters: { SerialNumber: "A" },
  });
  const device = await SimulatedDevice.connect(target, made, { clientId: "camera-A" });
  const tls = await openTls(target, made);
  const raw = [server.mqttPort, server.httpPort].map((port) => connect(port, "127.0.0.1"));
  for (const socket of [tls, ...raw]) socket.on("error", () => undefined);
  await Promise.all(raw.map((socket) => once(socket, "connect")));

  const startedMs = performance.now();
  process.kill(server.pid, "SIGTERM");
  const [code] = await once(server.launcher, "exit");
  assert.equal(code, 0, server.log());
  assert.ok(performance.now() - startedMs < 10_000);
  await device.client.closed;
  for (const socket of [tls, ...raw]) socket.destroy();
});

/** The server has gone when the pipes that it inherited are closed, and another may have its folder. */
async function assertGone(killed: Serving): Promise<void> {
  await once(killed.launcher, "close");
  await using next = await startServing(data);
  assert.notEqual(next.pid, killed.pid);
}

test("a launcher that is killed leaves no server behind", async () => {
  const server = await startServing(data);
  const gone = assertGone(server);
  server.launcher.kill("SIGKILL");
  await gone;
});

test("npx that is killed leaves no server behind", { skip: missing("npx") }, async () => {
  const command = ["npx", "--offline", "fleetmint", "serve", "--data", data, "--mqtt-port", "0", "--http-port", "0"];
  const server = await whenReady((file) => start([...command, "--ready-file", file], { cwd: ROOT }));
  const gone = assertGone(server);
  server.launcher.kill("SIGKILL");
  await gone;
});

test("an agent's launcher that is killed leaves no agent behind", async () => {
  await using server = await startServing(data);
  const claim = join(folder.path, "claim-for-agent");
  await prepareFleet(data, claim);
  const target = { endpoint: "localhost", port: server.mqttPort, claimFolder: claim, serial: "B" };
  const config = writeAgentConfig(join(folder.path, "agent"), target);
  const bin = `${ROOT}packages/agent/bin/fleetmint-agent.js`;
  const launcher = start([process.execPath, bin, "run", "--config", config]);
  const closed = once(launcher, "close");
  let said = "";
  await new Promise<void>((resolve, reject) => {
    launcher.stderr?.on("data", (chunk) => {
      said += chunk;
      if (/^Connected to localhost/m.test(said)) resolve();
    });
    closed.then(() => reject(new Error(said)), reject);
  });
  launcher.kill("SIGKILL");
  await closed;
  assert.match(said, /^Stopped\.$/m, "it ended its connection as on SIGTERM");
});

// Two machines as the README has them: its own lines are what runs, the server in one network namespace and the device in
// another, joined by one cable. Nothing leaves the two.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fleetmintAgent, fleetmintJson, must, ROOT, run, start } from "./support/commands.ts";
import { temporaryFolder, writeAgentConfig } from "./support/fleet.ts";
import { noNamespaces } from "./support/privileges.ts";
import { type Serving, whenReady } from "./support/serving.ts";

const skip = noNamespaces() ?? false;
const folder = temporaryFolder();
const README = readFileSync(`${ROOT}README.md`, "utf8");
const SERVER = `fleetmint-server-${process.pid}`;
const DEVICE = `fleetmint-device-${process.pid}`;
const ADDRESS = "198.51.100.1";
const inServer = ["ip", "netns", "exec", SERVER];
const inDevice = ["ip", "netns", "exec", DEVICE];
const environment = { HOME: folder.path };
let server: Serving | undefined;

before(async () => {
  if (skip !== false) return;
  joinNamespaces();
  server = await followReadme();
});
after(async () => {
  await server?.stop();
  if (skip === false) removeNamespaces();
  folder[Symbol.dispose]();
});

function joinNamespaces(): void {
  const [near, far] = [`fms${process.pid}`, `fmd${process.pid}`];
  for (const name of [SERVER, DEVICE]) {
    must("ip", "netns", "add", name);
    must("ip", "-n", name, "link", "set", "lo", "up");
  }
  must("ip", "link", "add", near, "netns", SERVER, "type", "veth", "peer", "name", far, "netns", DEVICE);
  must("ip", "-n", SERVER, "addr", "add", `${ADDRESS}/30`, "dev", near);
  must("ip", "-n", DEVICE, "addr", "add", "198.51.100.2/30", "dev", far);
  must("ip", "-n", SERVER, "link", "set", near, "up");
  must("ip", "-n", DEVICE, "link", "set", far, "up");
  // `ip netns exec` puts this file in the place of /etc/hosts.
  mkdirSync(`/etc/netns/${DEVICE}`, { recursive: true });
  writeFileSync(`/etc/netns/${DEVICE}/hosts`, `127.0.0.1 localhost\n${ADDRESS} fleet.example other.example\n`);
}

function removeNamespaces(): void {
  for (const name of [SERVER, DEVICE]) {
    must("ip", "netns", "del", name);
    rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
  }
}

/** The commands of "Two machines", in their order; the one that serves keeps running. */
async function followReadme(): Promise<Serving> {
  let serving: Serving | undefined;
  for (const line of readmeBlock("## Two machines").trim().split("\n")) {
    const command = line
      .replaceAll("tools/demo/", `${ROOT}tools/demo/`)
      .replace(/^npx fleetmint/, `exec ${process.execPath} ${ROOT}packages/cli/bin/fleetmint.js`);
    const options = { within: inServer, environment, cwd: folder.path };
    if (command.includes(" serve ")) {
      serving = await whenReady((file) => start(["sh", "-c", `${command} --ready-file ${file}`], options));
    } else {
      const { code, stderr, stdout } = await run(["sh", "-c", command], options);
      assert.equal(code, 0, `${line}\n${stderr}${stdout}`);
    }
  }
  assert.ok(serving, "the README's lines start a server");
  return serving;
}

/** The first code block after a heading. */
function readmeBlock(heading: string): string {
  const block = /```\w*\n([\s\S]*?)```/.exec(README.slice(README.indexOf(`${heading}\n`)));
  assert.ok(block?.[1], `the README has commands under "${heading}"`);
  return block[1];
}

/** The README's agent.json, changed as its "Two machines" says. */
function readmeConfig(): string {
  const config = JSON.parse(readmeBlock("### With our agent")) as {
    endpoint: string;
    "fleet-provisioning": { "template-parameters": { SerialNumber: string } };
    fleetmint: { keepClaim?: boolean };
  };
  config.endpoint = "fleet.example";
  config["fleet-provisioning"]["template-parameters"].SerialNumber = "CAM-0044";
  delete config.fleetmint.keepClaim;
  const path = join(folder.path, "agent.json");
  writeFileSync(path, JSON.stringify(config));
  return path;
}

interface AgentAnswer {
  readonly outcome: string;
  readonly reason: string | null;
  readonly thingName: string | null;
}

/** Answers what the agent printed; `stderr` has what a person is told. */
async function provision(config: string): Promise<{ code: number; stderr: string; answer: AgentAnswer }> {
  const args = ["provision", "--config", config, "--timeout", "0", "-o", "json"];
  const { code, stderr, stdout } = await fleetmintAgent(args, { within: inDevice, environment, cwd: folder.path });
  assert.notEqual(stdout, "", stderr);
  return { code, stderr, answer: JSON.parse(stdout) as AgentAnswer };
}

const THREE_LINES = /^fleetmint-agent: .+ Nothing was sent to it\.\n {2}at: {2}.+\n {2}fix: .+\n$/m;

test("a server with another name is refused in three lines, and never sees the claim", { skip }, async () => {
  const other = { endpoint: "other.example", port: 8883, claimFolder: join(folder.path, "claim"), serial: "CAM-0044" };
  const { code, stderr, answer } = await provision(writeAgentConfig(join(folder.path, "other"), other));
  assert.equal(code, 1, stderr);
  assert.equal(answer.reason, "server_name_mismatch");
  assert.match(stderr, THREE_LINES);
  assert.match(stderr, /fleetmint init --hostname other\.example/);
  assert.deepEqual(await listed("attempt"), []);
  for (const event of await listed("event")) assert.equal((event as { certificateId: unknown }).certificateId, null);
});

/** What the server has written down. */
async function listed(kind: "attempt" | "event"): Promise<unknown[]> {
  const options = { within: inServer, environment };
  return fleetmintJson<unknown[]>([kind, "list", "--data", join(folder.path, "fleet")], options);
}

/** A TLS server of somebody else's, with our server's name, that prints each message it gets. */
async function startFalseServer(): Promise<{ child: ChildProcess; printed: () => string; ca: string }> {
  const [key, ca] = [join(folder.path, "false.key.pem"), join(folder.path, "false.cert.pem")];
  const names = ["-subj", "/CN=fleet.example", "-addext", "subjectAltName=DNS:fleet.example"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  must("openssl", "req", "-x509", "-nodes", "-days", "2", ...curve, "-keyout", key, "-out", ca, ...names);
  const listen = ["-accept", `${ADDRESS}:8884`, "-cert", ca, "-key", key, "-Verify", "1", "-msg"];
  const alpn = ["-alpn", "x-amzn-mqtt-ca"];
  const child = start(["openssl", "s_server", ...listen, ...alpn], { within: inServer });
  let printed = "";
  child.stderr?.resume();
  child.stdout?.on("data", (chunk) => (printed += chunk));
  await whenPrinted(child, () => printed.includes("ACCEPT"));
  return { child, printed: () => printed, ca };
}

function whenPrinted(child: ChildProcess, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (holds()) resolve();
    };
    child.stdout?.on("data", look);
    child.once("close", () => reject(new Error("the program ended before it printed what was expected")));
    look();
  });
}

const CLIENT_CERTIFICATE = /^<<< .*Handshake.*, Certificate$/m;

test("a server of a foreign CA is refused in three lines, and sees a hello but no certificate", { skip }, async () => {
  const { child, printed, ca } = await startFalseServer();
  try {
    const target = {
      endpoint: "fleet.example",
      port: 8884,
      claimFolder: join(folder.path, "claim"),
      serial: "CAM-0044",
    };
    const { code, stderr, answer } = await provision(writeAgentConfig(join(folder.path, "deceived"), target));
    assert.equal(code, 1, stderr);
    assert.equal(answer.reason, "server_not_trusted");
    assert.match(stderr, THREE_LINES);
    assert.match(printed(), /^<<< .*ClientHello$/m);
    assert.doesNotMatch(printed(), CLIENT_CERTIFICATE);

    // The same server does see the certificate of a device that trusts it: the check above can fail.
    const trusting = writeAgentConfig(join(folder.path, "trusting"), { ...target, rootCa: ca });
    const bin = `${ROOT}packages/agent/bin/fleetmint-agent.js`;
    const args = ["provision", "--config", trusting, "--timeout", "0"];
    const agent = start([process.execPath, bin, ...args], { within: inDevice, environment });
    await whenPrinted(child, () => CLIENT_CERTIFICATE.test(printed()));
    agent.kill("SIGKILL");
  } finally {
    child.kill("SIGKILL");
  }
});

test("the README's two machines provision a device by host name", { skip }, async () => {
  const { code, stderr, answer } = await provision(readmeConfig());
  assert.equal(code, 0, stderr);
  assert.equal(answer.outcome, "issued");
  assert.equal(answer.thingName, "camera-CAM-0044");
});

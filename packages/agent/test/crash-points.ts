// Kills the agent's own process at each system call that touches its files, one call per run, and looks at what is left.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { IdentityStore } from "../src/index.ts";
import type { TestDevice } from "./world.ts";

/** The server that the devices of an enumeration talk to. Only what the invariants need to know of it. */
export interface ServerUnderTest {
  /** A new device with a claim of its own serial number, configured for this server. */
  newDevice(serial: string): TestDevice;
  /** Ids of the certificates with which this device's thing may connect now. */
  activeCertificates(serial: string): readonly string[] | Promise<readonly string[]>;
  /** Resolves when this device has published a heartbeat with this certificate, or with any where it is undefined. */
  heartbeat(serial: string, certificateId?: string): Promise<void>;
}

export interface CrashPoint {
  readonly systemCall: string;
  /** Counted from 1 among the calls of this name that touch the device's files. */
  readonly occurrence: number;
}

const SYSTEM_CALLS = ["fsync", "write", "rename", "openat", "unlink", "link", "mkdir"];
/** Far more than any step has; an enumeration that goes on and on is a fault of its own. */
const MOST_OCCURRENCES = 60;
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const FLAGS = ["--conditions=source", "--disable-warning=ExperimentalWarning"];

export function whyNoStrace(): string | false {
  return spawnSync("strace", ["--version"]).error ? "strace is not installed" : false;
}

/** Calls `scenario` for each crash point until a run of it was not killed any more, for each system call. */
export async function enumerate(
  scenario: (point: CrashPoint) => Promise<"killed" | "survived">,
): Promise<CrashPoint[]> {
  const reached: CrashPoint[] = [];
  for (const systemCall of SYSTEM_CALLS) {
    for (let occurrence = 1; occurrence <= MOST_OCCURRENCES; occurrence++) {
      const point = { systemCall, occurrence };
      if ((await scenario(point)) === "survived") break;
      reached.push(point);
    }
  }
  return reached;
}

/** The agent under strace, which kills it as it enters the call. */
export function startDoomed(device: TestDevice, command: string, { systemCall, occurrence }: CrashPoint): ChildProcess {
  const store = storeFolder(device);
  const files = ["identity.json", "identity.json.new", "lock"].map((name) => `${store}/${name}`);
  const paths = [store, ...files, device.claimKeyPath, device.claimCertPath].flatMap((path) => ["-P", path]);
  const inject = [`trace=${systemCall}`, `inject=${systemCall}:signal=KILL:when=${occurrence}`].flatMap((e) => [
    "-e",
    e,
  ]);
  const node = [process.execPath, ...FLAGS, MAIN, command, "-c", device.configPath];
  return remembered(
    spawn("strace", ["-f", "-qq", "-o", "/dev/null", ...paths, ...inject, ...node], { stdio: "ignore" }),
  );
}

/** SIGTERM to the agent itself, which its lock names: strace keeps signals that are meant for what it traces. */
export function stopAgent(device: TestDevice): void {
  process.kill(Number.parseInt(readFileSync(`${storeFolder(device)}/lock`, "utf8"), 10), "SIGTERM");
}

/** The agent as it is. */
export function start(device: TestDevice, command: string): ChildProcess {
  const args = [...FLAGS, MAIN, command, "-c", device.configPath, "-o", "json"];
  return remembered(spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] }));
}

const children = new Set<ChildProcess>();

function remembered(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

/** For a test that failed half-way. */
export function killLeftovers(): void {
  for (const child of children) child.kill("SIGKILL");
}

export async function ended(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; output: string }> {
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once("close", (...end) => resolve(end));
  });
  return { code, signal, output };
}

/** Whatever instant it was killed at: no broken bundle, no identity that the server does not know, never nothing at all. */
export async function assertRecoverable(device: TestDevice, server: ServerUnderTest, serial: string): Promise<void> {
  const { current } = new IdentityStore(storeFolder(device)).load();
  const active = await server.activeCertificates(serial);
  if (current === undefined) {
    assert.ok(
      existsSync(device.claimKeyPath) && existsSync(device.claimCertPath),
      "neither identity nor claim is left",
    );
    assert.match(readFileSync(device.claimKeyPath, "utf8"), /PRIVATE KEY/);
  } else {
    assert.ok(active.length > 0, "the server knows no certificate of a device that has one");
  }
}

/** After the next run: one identity, the server's and the device's the same, and nothing left over. */
export async function assertSettled(device: TestDevice, server: ServerUnderTest, serial: string): Promise<string> {
  const { current, pending, claimToErase } = new IdentityStore(storeFolder(device)).load();
  assert.deepEqual(await server.activeCertificates(serial), [current?.certificateId]);
  assert.equal(pending, undefined);
  assert.equal(claimToErase, false);
  assert.equal(existsSync(device.claimKeyPath) || existsSync(device.claimCertPath), false, "the claim is still there");
  assert.deepEqual(readdirSync(storeFolder(device)), ["identity.json"]);
  return current!.certificateId;
}

export function storeFolder(device: TestDevice): string {
  return `${device.folder}/identity`;
}

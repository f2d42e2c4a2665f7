// A Fleetmint installation to measure: made in a folder, served by a process of its own, set up through its administration API.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient, items } from "@fleetmint/sdk";
import { initialize, systemClock, systemRandom } from "@fleetmint/server";
import { type Credentials, SIMPLE_POLICY, SIMPLE_TEMPLATE, type Target } from "@fleetmint/testkit";
import { type Child, startChild } from "./child-process.ts";
import type { ServerCalls } from "./server-process.ts";

export interface RunningInstallation extends AsyncDisposable {
  readonly child: Child<ServerCalls>;
  readonly target: Target;
  readonly admin: Client;
}

export interface BenchClaim extends Credentials {
  readonly claimId: string;
}

export const TEMPLATE = "bench";

/** What SIMPLE_TEMPLATE calls the device with this serial number. */
export function thingNameOf(serialNumber: string): string {
  return `dev-${serialNumber}`;
}

export async function createInstallation(folder: string): Promise<void> {
  const ports = { clock: systemClock, random: systemRandom() };
  await initialize(ports, { folder, hostNames: ["localhost", "127.0.0.1"] });
}

/** The CA whose name stands on every certificate that is issued. */
export function issuingCertificate(folder: string): string {
  return readFileSync(join(folder, "keys", "issuing.cert.pem"), "utf8");
}

export async function serveInstallation(folder: string, flags: readonly string[]): Promise<RunningInstallation> {
  const program = new URL("./server-process.ts", import.meta.url);
  const child = await startChild<ServerCalls>({ program, args: [folder], flags });
  const { mqttPort, httpPort } = await child.call("addresses", undefined as never);
  const caPem = readFileSync(join(folder, "ca.pem"), "utf8");
  const { token } = JSON.parse(readFileSync(join(folder, "admin.json"), "utf8")) as { token: string };
  const admin = createClient({ url: `https://127.0.0.1:${httpPort}`, token, ca: caPem });
  return {
    child,
    target: { host: "127.0.0.1", port: mqttPort, caPem },
    admin,
    async [Symbol.asyncDispose]() {
      await admin.close();
      await child[Symbol.asyncDispose]();
    },
  };
}

/** A template, its policy, and a claim whose limits the benchmark does not reach. */
export async function setUp(admin: Client): Promise<BenchClaim> {
  await admin.applyPolicy({ policyName: "device", document: JSON.stringify(SIMPLE_POLICY) });
  await admin.applyTemplate({ templateName: TEMPLATE, body: JSON.stringify(SIMPLE_TEMPLATE) });
  const { claim, certificatePem, privateKeyPem } = await admin.createClaim({
    templates: [TEMPLATE],
    guard: { kind: "any-device" },
    key: { kind: "plain" },
    maxDevices: 1_000_000,
    maxPerMinute: 1_000_000,
    validForSeconds: 24 * 3600,
  });
  return { claimId: claim.claimId, certificatePem, privateKeyPem: privateKeyPem! };
}

/** Names of all things, each of which must have exactly one active certificate; what is wrong otherwise. */
export async function storedThings(admin: Client): Promise<{ names: ReadonlySet<string>; faults: string[] }> {
  const names = new Set<string>();
  const faults: string[] = [];
  for await (const { thingName, certificates } of items(admin.listThings, {})) {
    names.add(thingName);
    const active = certificates.filter(({ status }) => status === "ACTIVE").length;
    if (active !== 1) faults.push(`${thingName} has ${active} active certificates.`);
  }
  return { names, faults };
}

/** Why the server turned devices away, each reason once with how often. */
export async function recordedRefusals(admin: Client): Promise<string[]> {
  const counts = new Map<string, number>();
  const note = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for await (const { reason, message } of items(admin.listAttempts, {})) note(`${reason}: ${message}`);
  for await (const { kind, reason, message } of items(admin.listEvents, {})) {
    if (reason !== null) note(`${kind} ${reason}: ${message}`);
  }
  return [...counts].map(([what, times]) => `The server recorded ${times} × ${what}`);
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { awsSdkDevice, fleetmintAgent, fleetmintJson } from "./commands.ts";
import type { Fleet } from "./fleet.ts";
import type { Narrator } from "./narrator.ts";
import type { DemoServer } from "./server.ts";

/** One row of the final table. */
export interface DemoDevice {
  readonly flow: "claim";
  readonly client: string;
  readonly thingName: string | null;
  readonly certificateId: string | null;
  readonly outcome: "issued" | "denied";
  readonly reason: string | null;
  readonly expected: "issued" | "denied";
  readonly expiresAt: string | null;
  readonly seconds: number;
}

interface Stage {
  readonly server: DemoServer;
  readonly fleet: Fleet;
  readonly folder: string;
  readonly narrator: Narrator;
}

interface Attempt {
  readonly clientId: string;
  readonly outcome: "issued" | "pending" | "denied";
  readonly reason: string | null;
  readonly message: string | null;
  readonly thingName: string | null;
}

export async function provisionAll(
  server: DemoServer,
  fleet: Fleet,
  context: { folder: string; narrator: Narrator },
): Promise<DemoDevice[]> {
  const stage = { server, fleet, ...context };
  return [
    await provision(stage, { client: "fleetmint-agent", serial: "CAM-0001", expected: "issued", run: runAgent }),
    await provision(stage, {
      client: "AWS IoT Device SDK v2 (MQTT 5)",
      serial: "CAM-0002",
      expected: "issued",
      run: runAwsSdk,
    }),
    await provision(stage, { client: "fleetmint-agent", serial: "STOLEN-01", expected: "denied", run: runAgent }),
  ];
}

interface Candidate {
  readonly client: string;
  readonly serial: string;
  readonly expected: "issued" | "denied";
  readonly run: (stage: Stage, serial: string) => Promise<string>;
}

async function provision(stage: Stage, device: Candidate): Promise<DemoDevice> {
  const { narrator, server } = stage;
  narrator.device(device.client, device.serial);
  const startedMs = performance.now();
  const output = await device.run(stage, device.serial);
  const seconds = (performance.now() - startedMs) / 1000;
  // What happened is what the server recorded, not what the device believes.
  const attempts = await fleetmintJson<Attempt[]>(["attempt", "list", "--data", server.data]);
  const attempt = attempts.find((entry) => entry.clientId === device.serial);
  if (attempt === undefined)
    throw new Error(`the server saw no attempt of ${device.serial}; the device said:\n${output}`);
  narrator.attempt(attempt);
  const identity = attempt.thingName === null ? undefined : await identityOf(server, attempt.thingName);
  return {
    flow: "claim",
    client: device.client,
    thingName: attempt.thingName,
    certificateId: identity?.certificateId ?? null,
    outcome: attempt.outcome === "issued" ? "issued" : "denied",
    reason: attempt.reason,
    expected: device.expected,
    expiresAt: identity?.notAfter ?? null,
    seconds,
  };
}

async function identityOf(
  server: DemoServer,
  thingName: string,
): Promise<{ certificateId: string; notAfter: string } | undefined> {
  const thing = await fleetmintJson<{ certificates: { certificateId: string; status: string; notAfter: string }[] }>([
    "thing",
    "show",
    thingName,
    "--data",
    server.data,
  ]);
  return thing.certificates.find((certificate) => certificate.status === "ACTIVE");
}

/** Our agent, told by the configuration file of the AWS IoT Device Client. */
async function runAgent({ server, fleet, folder, narrator }: Stage, serial: string): Promise<string> {
  const store = join(folder, "devices", serial);
  mkdirSync(store, { recursive: true, mode: 0o700 });
  const config = join(store, "config.json");
  writeFileSync(
    config,
    JSON.stringify(
      {
        endpoint: "localhost",
        cert: join(fleet.claimFolder, "claim.cert.pem"),
        key: join(fleet.claimFolder, "claim.key.pem"),
        "root-ca": join(fleet.claimFolder, "ca.pem"),
        "thing-name": serial,
        "fleet-provisioning": {
          enabled: true,
          "template-name": fleet.template,
          "template-parameters": JSON.stringify({ SerialNumber: serial }),
        },
        fleetmint: { store, port: server.mqttPort, clientId: serial, keepClaim: true },
      },
      null,
      2,
    ),
    { mode: 0o600 },
  );
  narrator.agentCommand(["provision", "--config", config], "key made on the device, CSR sent");
  const provisioned = await fleetmintAgent(["provision", "--config", config, "-o", "json"]);
  // For programs that want PEM files: openssl, mosquitto_pub, an OTA client.
  if (provisioned.code === 0) await fleetmintAgent(["export", "--config", config, "--out", store]);
  return provisioned.stdout + provisioned.stderr;
}

async function runAwsSdk({ server, fleet, folder, narrator }: Stage, serial: string): Promise<string> {
  narrator.note("the unmodified SDK from npm: CreateKeysAndCertificate, RegisterThing, reconnect");
  const out = join(folder, "devices", serial);
  const { stdout, stderr } = await awsSdkDevice({
    host: "localhost",
    port: server.mqttPort,
    claimFolder: fleet.claimFolder,
    out,
    serial,
    template: fleet.template,
  });
  return stdout + stderr;
}

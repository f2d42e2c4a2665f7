// The world in one process: a real server on free ports in a temporary folder, with a clock moved by hand.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@fleetmint/sdk";
import {
  initialize,
  ManualClock,
  type RunningServer,
  type ServerOptions,
  silentLog,
  startServer,
  systemRandom,
} from "@fleetmint/server";
import type { Credentials, Target } from "./simulated-device.ts";

export interface WorldOptions {
  /** Real time instead of a clock that stands still. */
  readonly clock?: ServerOptions["clock"];
  readonly settings?: Partial<ServerOptions["settings"]>;
  readonly hostNames?: readonly string[];
  readonly log?: ServerOptions["log"];
}

export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly clock: ManualClock;
  server: RunningServer;
  admin: Client;
  target: Target;
  /** Stops the server and starts it again on the same folder and ports, with other settings if given. */
  restart(settings?: WorldOptions["settings"]): Promise<void>;
  close(): Promise<void>;
}

/** A template that makes a thing of the device's serial number and lets it talk under `devices/NAME/`. */
export const SIMPLE_TEMPLATE = {
  Parameters: { SerialNumber: { Type: "String" }, Location: { Type: "String", Default: "unknown" } },
  Resources: {
    thing: {
      Type: "AWS::IoT::Thing",
      Properties: {
        ThingName: { "Fn::Join": ["-", ["dev", { Ref: "SerialNumber" }]] },
        AttributePayload: { serial: { Ref: "SerialNumber" }, location: { Ref: "Location" } },
      },
    },
    certificate: {
      Type: "AWS::IoT::Certificate",
      Properties: { CertificateId: { Ref: "AWS::IoT::Certificate::Id" }, Status: "ACTIVE" },
    },
    policy: { Type: "AWS::IoT::Policy", Properties: { PolicyName: "device" } },
  },
  DeviceConfiguration: { greeting: "hello" },
} as const;

/** What a device of SIMPLE_TEMPLATE may do: everything under its own name. */
export const SIMPLE_POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "iot:Connect", Resource: "arn:aws:iot:*:*:client/*" },
    {
      Effect: "Allow",
      Action: ["iot:Publish", "iot:Receive", "iot:RetainPublish"],
      Resource: "arn:aws:iot:*:*:topic/devices/${iot:Connection.Thing.ThingName}/*",
    },
    {
      Effect: "Allow",
      Action: "iot:Subscribe",
      Resource: "arn:aws:iot:*:*:topicfilter/devices/${iot:Connection.Thing.ThingName}/*",
    },
  ],
} as const;

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const folder = join(mkdtempSync(join(tmpdir(), "fleetmint-world-")), "data");
  const manual = new ManualClock(Date.UTC(2026, 5, 1, 8));
  const clock = options.clock ?? manual;
  const random = systemRandom();
  await initialize({ clock, random }, { folder, hostNames: options.hostNames ?? ["localhost", "127.0.0.1"] });
  const start = (given: ServerOptions["settings"]): Promise<RunningServer> =>
    startServer({ folder, clock, random, log: options.log ?? silentLog, settings: { ...options.settings, ...given } });
  const server = await start({ mqttPort: 0, httpPort: 0 });
  const world: World = {
    folder,
    clock: manual,
    server,
    admin: adminClient(folder, server),
    target: { host: "localhost", port: server.mqttPort, caPem: readFileSync(server.caFile, "utf8") },
    async restart(settings) {
      const { mqttPort, httpPort } = world.server;
      await world.server.close();
      world.server = await start({ mqttPort, httpPort, ...settings });
    },
    async close() {
      await world.server.close();
      rmSync(join(folder, ".."), { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => world.close(),
  };
  return world;
}

/** SIMPLE_TEMPLATE and its policy, applied. */
export async function applySimpleTemplate(world: World, name = "simple", settings: object = {}): Promise<void> {
  await world.admin.applyPolicy({ policyName: "device", document: JSON.stringify(SIMPLE_POLICY) });
  await world.admin.applyTemplate({ templateName: name, body: JSON.stringify(SIMPLE_TEMPLATE), ...settings });
}

export interface TestClaim extends Credentials {
  readonly claimId: string;
  readonly certificateId: string;
}

/** A claim whose key is here, with generous limits unless told otherwise. */
export async function createClaim(
  world: World,
  request: Partial<Parameters<Client["createClaim"]>[0]> = {},
): Promise<TestClaim> {
  const made = await world.admin.createClaim({
    templates: ["simple"],
    guard: { kind: "any-device" },
    key: { kind: "plain" },
    maxDevices: 100,
    validForSeconds: 24 * 3600,
    ...request,
  });
  const { certificateId, certificatePem } = made;
  return { claimId: made.claim.claimId, certificateId, certificatePem, privateKeyPem: made.privateKeyPem! };
}

function adminClient(folder: string, server: RunningServer): Client {
  const { token } = JSON.parse(readFileSync(join(folder, "admin.json"), "utf8")) as { token: string };
  return createClient({ url: `https://localhost:${server.httpPort}`, token, ca: readFileSync(server.caFile, "utf8") });
}

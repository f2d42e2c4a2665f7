// Clocks that are wrong, by libfaketime: the server's, moved while a device is being provisioned, and a device's that reads 1970.
import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { createFromCsr, Rejected, registerThing, SimulatedDevice, type Target } from "@fleetmint/testkit";
import { fleetmintAgent, fleetmintJson, must } from "./support/commands.ts";
import { initialize, prepareFleet, temporaryFolder, writeAgentConfig } from "./support/fleet.ts";
import { type ServeOptions, type Serving, startServing } from "./support/serving.ts";

const LIBRARY = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1")[0];
const skip = LIBRARY === undefined ? "libfaketime is not installed" : false;
const folder = temporaryFolder();
const data = join(folder.path, "server");
const claimFolder = join(folder.path, "claim");
const offsetFile = join(folder.path, "offset");
/** The server's wall clock is what the file says; its monotonic clock is the true one. */
const moved = {
  environment: {
    LD_PRELOAD: LIBRARY ?? "",
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  },
};
let server: Serving | undefined;
let names = 0;

before(async () => {
  if (skip !== false) return;
  // An hour ago by its own clock, so that small steps back stay behind everything that was made.
  setClock("-60m");
  await initialize(data, ["localhost", "127.0.0.1"], moved);
  server = await startServing(data, moved);
  await prepareFleet(data, claimFolder);
});
beforeEach(() => setClock("+0"));
after(async () => {
  await server?.stop();
  folder[Symbol.dispose]();
});

function setClock(offset: string): void {
  writeFileSync(offsetFile, `${offset}\n`);
}

async function restart(options: ServeOptions = {}): Promise<void> {
  await server?.stop();
  server = await startServing(data, { ...moved, ...options });
}

/** A device on its claim connection. */
function connect(clientId = `device-${++names}`, from = claimFolder): Promise<SimulatedDevice> {
  const read = (name: string): string => readFileSync(join(from, name), "utf8");
  const target: Target = { host: "localhost", port: server!.mqttPort, caPem: read("ca.pem") };
  const claim = { certificatePem: read("claim.cert.pem"), privateKeyPem: read("claim.key.pem") };
  return SimulatedDevice.connect(target, claim, { clientId });
}

const redeem = (device: SimulatedDevice, token: string) =>
  registerThing(device, { template: "camera", token, parameters: { SerialNumber: device.clientId } });

const refusedFor = (reason: string) => (error: unknown) => {
  assert.ok(error instanceof Rejected, String(error));
  assert.equal(error.reason, reason, error.message);
  return true;
};

test("a clock ten minutes back neither issues nor redeems; a few minutes back, or ten ahead, do not matter", {
  skip,
}, async () => {
  await using device = await connect();
  const first = await createFromCsr(device);
  setClock("-10m");
  await assert.rejects(createFromCsr(device), refusedFor("clock_set_back"));
  await assert.rejects(redeem(device, first.ownershipToken), refusedFor("token_expired"));
  setClock("-4m");
  assert.equal((await redeem(device, first.ownershipToken)).thingName, `camera-${device.clientId}`);
  await using other = await connect();
  const second = await createFromCsr(other);
  setClock("+10m");
  assert.equal((await redeem(other, second.ownershipToken)).thingName, `camera-${other.clientId}`);
});

test("a clock that was set back two years issues nothing, and goes on when it is right again", { skip }, async () => {
  await using device = await connect();
  setClock("-2y");
  await assert.rejects(createFromCsr(device), refusedFor("clock_set_back"));
  setClock("+0");
  const { ownershipToken } = await createFromCsr(device);
  setClock("-2y");
  await assert.rejects(redeem(device, ownershipToken), refusedFor("token_expired"));
});

test("a token does not outlive its hour when the clock jumps ahead or comes back", { skip }, async () => {
  await using device = await connect();
  const { ownershipToken } = await createFromCsr(device);
  setClock("+61m");
  await assert.rejects(redeem(device, ownershipToken), refusedFor("token_expired"));
});

test("after a clock that was 400 days ahead, nothing is issued until an operator says that it is right", {
  skip,
}, async () => {
  const long = join(folder.path, "long-claim");
  const request = ["--template", "camera", "--allow-any-device", "--valid-for", "500d", "--plain"];
  await fleetmintJson(["claim", "create", ...request, "--out", long, "--data", data]);
  const device = await connect("far", long);
  setClock("+400d");
  const ahead = await createFromCsr(device);
  setClock("+0");
  await assert.rejects(redeem(device, ahead.ownershipToken), refusedFor("token_expired"));
  await assert.rejects(createFromCsr(device), refusedFor("clock_set_back"));
  await device[Symbol.asyncDispose]();

  await restart();
  await using again = await connect();
  await assert.rejects(createFromCsr(again), (error: Rejected) => {
    assert.match(error.message, /clock reads 20.*was issued at 20.*fleetmint serve --accept-clock/);
    return refusedFor("clock_set_back")(error);
  });
  await restart({ args: ["--accept-clock"] });
  await using accepted = await connect();
  const { ownershipToken } = await createFromCsr(accepted);
  await redeem(accepted, ownershipToken);
  // Once is enough: the newest certificate has the right date now.
  await restart();
  await using ordinary = await connect();
  await createFromCsr(ordinary);
});

test("an agent whose clock reads 1970 is provisioned, and still refuses a server of a foreign CA", {
  skip,
}, async () => {
  const in1970 = { environment: { LD_PRELOAD: LIBRARY ?? "", FAKETIME: "@1970-01-02 00:00:00" } };
  const target = { endpoint: "localhost", port: server!.mqttPort, claimFolder };
  const run = async (
    name: string,
    rootCa?: string,
  ): Promise<{ code: number; reason: string | null; stderr: string }> => {
    const given = { ...target, serial: name, ...(rootCa === undefined ? {} : { rootCa }) };
    const config = writeAgentConfig(join(folder.path, name), given);
    const args = ["provision", "--config", config, "--timeout", "0", "-o", "json"];
    const { code, stdout, stderr } = await fleetmintAgent(args, in1970);
    return { code, stderr, reason: (JSON.parse(stdout || "{}") as { reason: string | null }).reason };
  };
  assert.match(must("env", `LD_PRELOAD=${LIBRARY}`, "FAKETIME=@1970-01-02 00:00:00", "date", "+%Y"), /^1970/);
  const issued = await run("AGENT-1970");
  assert.equal(issued.code, 0, issued.stderr);

  const other = join(folder.path, "other-server");
  await initialize(other, ["localhost"]);
  const foreign = await run("AGENT-DECEIVED", join(other, "ca.pem"));
  assert.equal(foreign.code, 1, foreign.stderr);
  assert.equal(foreign.reason, "server_not_trusted");
});

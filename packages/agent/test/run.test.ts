import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runAgent } from "../src/run/run-agent.ts";
import { ManualClock } from "./manual-clock.ts";
import { TestCa } from "./test-ca.ts";
import { type Interference, TestServer } from "./test-server.ts";
import { TestDevice, testSystem } from "./world.ts";

const ca = await TestCa.create();
const DAY_SECONDS = 86_400;
const MINUTE_MS = 60_000;

function beats(server: TestServer): { sequence: number; uptimeSeconds: number; certificateId: string }[] {
  return server.heartbeats.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()));
}

/** An agent that runs until the end of its test, and a clock to move it by. */
async function world(changes: object = {}, interference: Interference = {}) {
  const server = await TestServer.start({ ca, deviceValidForSeconds: DAY_SECONDS });
  server.interference = interference;
  const device = new TestDevice(ca, server.claim(), server.port, changes);
  const clock = new ManualClock();
  const config = device.config(readFileSync(device.configPath, "utf8"));
  const ports = device.ports(config, { ...testSystem, clock });
  const stop = new AbortController();
  const running = runAgent(ports, config, stop.signal);
  const dispose = async () => {
    stop.abort();
    await running;
    device[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  };
  const state = () => ports.store.load();
  return { server, device, clock, stop, running, state, [Symbol.asyncDispose]: dispose };
}

test("run provisions, connects as the thing and beats at once and then regularly", async () => {
  await using it = await world({ fleetmint: { heartbeatSeconds: 60, heartbeatTopic: "site/{thingName}/heartbeat" } });
  await it.server.until(() => it.server.heartbeats.length === 1);
  it.clock.advance(MINUTE_MS);
  await it.server.until(() => beats(it.server).some(({ uptimeSeconds }) => uptimeSeconds === 60));
  assert.equal(it.server.heartbeats[0]?.topic, "site/thing-A-1/heartbeat");
  assert.equal(beats(it.server)[0]?.sequence, 0);
});

test("the signal ends it politely: the server gets a DISCONNECT", async () => {
  await using it = await world();
  await it.server.until(() => it.server.heartbeats.length === 1);
  it.stop.abort();
  await it.running;
  await it.server.until(() => it.server.disconnects.includes("thing-A-1"));
});

test("a lost connection is made again", async () => {
  await using it = await world();
  await it.server.until(() => it.server.heartbeats.length === 1);
  for (const socket of it.server.sockets) socket.destroy();
  await it.server.until(() => it.server.heartbeats.length === 2);
  assert.equal(it.server.connects.filter(({ clientId }) => clientId === "thing-A-1").length, 3);
});

test("at two thirds of the lifetime, and not before, the identity is renewed with a new key", async () => {
  await using it = await world();
  await it.server.until(() => it.server.heartbeats.length === 1);
  const before = it.state().current!;
  it.clock.advance(15.9 * 60 * MINUTE_MS);
  await it.server.until(() => it.server.heartbeats.length > 1);
  assert.equal(it.server.requests.includes("renew"), false);
  it.clock.advance(0.2 * 60 * MINUTE_MS);
  await it.server.until(() => beats(it.server).at(-1)?.certificateId === it.server.issued[1]);
  assert.deepEqual([...it.server.devices.keys()], [it.server.issued[1]]);
  const after = it.state();
  assert.equal(after.pending, undefined);
  assert.equal(after.current?.certificateId, it.server.issued[1]);
  assert.notEqual(after.current?.certificateId, before.certificateId);
  assert.notDeepEqual(after.current?.key, before.key);
  assert.deepEqual(after.current?.deviceConfiguration, before.deviceConfiguration);
});

test("a renewal whose answer was lost goes on with the same certificate", async () => {
  let cuts = 1;
  await using it = await world({}, { onAnswer: (kind) => (kind === "renew" && cuts-- > 0 ? "cut" : undefined) });
  await it.server.until(() => it.server.heartbeats.length === 1);
  it.clock.advance(17 * 60 * MINUTE_MS);
  await it.server.until(() => it.server.requests.filter((kind) => kind === "renew").length === 2);
  await it.server.until(() => it.server.devices.has(it.server.issued.at(-1)!) && it.server.devices.size === 1);
  assert.equal(it.server.issued.length, 2, "one certificate to begin with, one renewed");
});

test("a renewed identity that the server does not let in leaves the present one in use", async () => {
  let refuse = true;
  const onConnect: Interference["onConnect"] = (_packet, server) => {
    const isRenewed = server.issued.length === 2 && server.connects.at(-1)?.certificateId === server.issued[1];
    return isRenewed && refuse ? { reasonCode: 0x87, reasonString: "Not yet. [connect_not_authorized]" } : undefined;
  };
  await using it = await world({}, { onConnect });
  await it.server.until(() => it.server.heartbeats.length === 1);
  const before = it.state().current!;
  it.clock.advance(17 * 60 * MINUTE_MS);
  await it.server.until(
    () => it.server.connects.filter(({ certificateId }) => certificateId === it.server.issued[1]).length > 1,
  );
  assert.deepEqual(it.state().current, before);
  assert.equal(it.state().pending?.purpose, "renew");
  refuse = false;
  await it.server.until(() => it.server.devices.size === 1 && it.server.devices.has(it.server.issued[1]!));
});

test("a server that ends the connection at each heartbeat gets no fourth one, and the connection stays", async () => {
  await using it = await world({}, { onHeartbeat: () => "cut" });
  await it.server.until(() => it.server.heartbeats.length === 3);
  await it.server.until(() => it.server.connects.filter(({ clientId }) => clientId === "thing-A-1").length === 5);
  assert.equal(it.server.heartbeats.length, 3);
  assert.match(it.device.said.join("\n"), /No more heartbeats.*heartbeatTopic/);
});

test("no heartbeat is sent where the configuration says 0", async () => {
  await using it = await world({ fleetmint: { heartbeatSeconds: 0 } });
  await it.server.until(() => it.server.connects.filter(({ clientId }) => clientId === "thing-A-1").length === 2);
  it.clock.advance(MINUTE_MS);
  assert.equal(it.server.heartbeats.length, 0);
});

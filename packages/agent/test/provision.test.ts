import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { AgentFault, provision } from "../src/index.ts";
import { TestCa } from "./test-ca.ts";
import { type Interference, rejection, TestServer } from "./test-server.ts";
import { once, TestDevice } from "./world.ts";

const ca = await TestCa.create();

async function world(changes: object = {}, interference: Interference = {}) {
  const server = await TestServer.start({ ca });
  server.interference = interference;
  const device = new TestDevice(ca, server.claim(), server.port, changes);
  const config = () => device.config(readFileSync(device.configPath, "utf8"));
  const run = (request: Partial<typeof once> = {}) =>
    provision(device.ports(config()), config(), { ...once, ...request });
  const dispose = async () => {
    device[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  };
  return { server, device, config, run, [Symbol.asyncDispose]: dispose };
}

for (const mqttVersion of [4, 5]) {
  for (const format of ["json", "cbor"]) {
    for (const key of ["device", "received"]) {
      test(`a device is provisioned over MQTT ${mqttVersion} in ${format} with a key that is ${key}`, async () => {
        await using it = await world({ fleetmint: { mqttVersion, format, key } });
        const { outcome, identity } = await it.run();
        assert.equal(outcome, "issued");
        assert.equal(identity.thingName, "thing-A-1");
        assert.deepEqual(identity.deviceConfiguration, { region: "test" });
        const [claimConnect, deviceConnect] = it.server.connects;
        assert.deepEqual(claimConnect?.clientId, "A-1");
        assert.deepEqual(deviceConnect, {
          clientId: "thing-A-1",
          certificateId: identity.certificateId,
          version: mqttVersion,
        });
      });
    }
  }
}

test("the claim is erased once the identity has connected, and the bundle is its owner's alone", async () => {
  await using it = await world();
  await it.run();
  assert.equal(existsSync(it.device.claimKeyPath), false);
  assert.equal(existsSync(it.device.claimCertPath), false);
  const { store } = it.config();
  assert.equal(statSync(store).mode & 0o777, 0o700);
  assert.equal(statSync(`${store}/identity.json`).mode & 0o777, 0o600);
});

test("keepClaim leaves the claim where it is", async () => {
  await using it = await world({ fleetmint: { keepClaim: true } });
  await it.run();
  assert.equal(existsSync(it.device.claimKeyPath), true);
});

test("a second run finds the identity and connects to nobody", async () => {
  await using it = await world();
  const first = await it.run();
  const connects = it.server.connects.length;
  const second = await it.run();
  assert.equal(second.outcome, "already-provisioned");
  assert.deepEqual(second.identity, first.identity);
  assert.equal(it.server.connects.length, connects);
});

test("a connection that is cut after the server did its work leads to one identity with one key", async () => {
  for (const operation of ["create-from-csr", "register-thing"]) {
    let cuts = 0;
    const onAnswer = (kind: string) => (kind === operation && cuts++ === 0 ? ("cut" as const) : undefined);
    await using it = await world({}, { onAnswer });
    await it.run({ withinMs: 60_000 });
    assert.equal(cuts, 2);
    assert.equal(it.server.devices.size, 1);
    assert.equal(it.server.issued.length, operation === "register-thing" ? 1 : 2);
  }
});

test("a refusal is permanent, changes nothing and is told with the server's reason and our advice", async () => {
  await using it = await world({ "fleet-provisioning": { enabled: true, "template-name": "camera" } });
  await assert.rejects(it.run({ withinMs: 60_000 }), (error: unknown) => {
    assert.ok(error instanceof AgentFault);
    assert.equal(error.kind, "refused");
    assert.equal(error.reason, "parameter_missing");
    assert.match(error.message, /400 InvalidParameters.*send it/);
    assert.match(error.fix, /template-parameters/);
    return true;
  });
  assert.equal(existsSync(it.device.claimKeyPath), true);
});

test("what time mends is tried again until the deadline: 429, 5xx, a busy server, a claim in use", async () => {
  const faults = [
    rejection(429, "Throttled", "Slow down."),
    rejection(500, "InternalFailure", "Something failed. [internal_error]"),
    rejection(403, "AccessDenied", "The hook did not answer. [hook_timeout]"),
  ];
  let busy = 2;
  await using it = await world(
    {},
    {
      onRequest: () => faults.shift(),
      onConnect: () => (busy-- > 0 ? { reasonCode: 0x87, reasonString: "In use. [claim_client_id_busy]" } : undefined),
    },
  );
  assert.equal((await it.run({ withinMs: 60_000 })).outcome, "issued");
  assert.equal(faults.length, 0);
});

test("a stored token that the server no longer knows is replaced, with the same key", async () => {
  let refusals = 1;
  const gone = rejection(400, "InvalidCertificateOwnershipToken", "It has expired. [token_expired]");
  await using it = await world(
    {},
    { onRequest: (kind) => (kind === "register-thing" && refusals-- > 0 ? gone : undefined) },
  );
  await it.run();
  assert.deepEqual(it.server.requests, ["create-from-csr", "register-thing", "create-from-csr", "register-thing"]);
  assert.equal(it.server.devices.size, 1);
});

test("an identity that the server does not let in is not committed, and the claim stays", async () => {
  const onConnect: Interference["onConnect"] = ({ clientId }) =>
    clientId === "thing-A-1"
      ? { reasonCode: 0x87, reasonString: "No policy allows it. [connect_not_authorized]" }
      : undefined;
  await using it = await world({}, { onConnect });
  await assert.rejects(it.run(), { reason: "connect_not_authorized", kind: "refused" });
  assert.equal(existsSync(it.device.claimKeyPath), true);
  it.server.interference = {};
  const requests = it.server.requests.length;
  assert.equal((await it.run()).outcome, "issued");
  assert.equal(it.server.requests.length, requests, "the redeemed identity is used, not another asked for");
});

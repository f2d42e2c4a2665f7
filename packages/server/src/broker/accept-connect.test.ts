import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settle } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

const WILL = {
  topic: "gone",
  payload: Buffer.from("bye"),
  qos: 1,
  retain: false,
  delayInterval: 0,
  properties: {},
} as const;

describe("CONNECT", () => {
  it("tells an MQTT 5 client what the server can do", async () => {
    const world = await TestWorld.start();
    const connack = await world.dial("device:lamp").connect({ clientId: "" });
    assert.equal(connack.reasonCode, 0);
    assert.equal(connack.maximumQoS, 1);
    assert.equal(connack.receiveMaximum, 100);
    assert.equal(connack.topicAliasMaximum, 8);
    assert.equal(connack.maximumPacketSize, 146 * 1024);
    assert.match(connack.assignedClientIdentifier ?? "", /^auto-[0-9a-f]{20}$/);
    assert.equal(connack.wildcardSubscriptionAvailable, undefined);
  });

  it("gives a 3.1.1 client without an identifier one only with a clean session", async () => {
    const world = await TestWorld.start();
    const clean = await world.dial("device:lamp").connect({ version: 4, clientId: "", clean: true });
    const kept = await world.dial("device:lamp").connect({ version: 4, clientId: "", clean: false });
    assert.deepEqual([clean.reasonCode, kept.reasonCode], [0, 2]);
  });

  it("says to an MQTT 5 client why it is refused and what to do", async () => {
    const world = await TestWorld.start();
    world.admission.refused.set("device:lamp", "certificate_revoked");
    const client = world.dial("device:lamp");
    const connack = await client.connect();
    assert.equal(connack.reasonCode, 0x8a);
    assert.match(connack.reasonString ?? "", /^certificate_revoked: .* Release the thing/);
    await client.closed;
  });

  it("leaves the reason out where the client wants no problem information or cannot take it", async () => {
    const world = await TestWorld.start();
    world.admission.refused.set("device:lamp", "certificate_revoked");
    const unwilling = await world.dial("device:lamp").connect({ requestProblemInformation: false });
    const small = await world.dial("device:lamp").connect({ maximumPacketSize: 30 });
    assert.deepEqual([unwilling.reasonString, small.reasonString], [undefined, undefined]);
    assert.deepEqual([unwilling.reasonCode, small.reasonCode], [0x8a, 0x8a]);
  });

  it("answers 3.1.1 refusals with 5, and with 3 where a retry may succeed", async () => {
    const world = await TestWorld.start();
    world.admission.refused.set("device:lamp", "certificate_unknown");
    world.admission.refused.set("device:late", "store_unavailable");
    const unknown = await world.dial("device:lamp").connect({ version: 4 });
    const later = await world.dial("device:late").connect({ version: 4 });
    const nobody = await world.dial(undefined).connect({ version: 4 });
    assert.deepEqual([unknown.reasonCode, later.reasonCode, nobody.reasonCode], [5, 3, 5]);
  });

  it("asks policy with the session and the will that the client wants", async () => {
    const world = await TestWorld.start();
    const asked: unknown[] = [];
    const connect = (attributes: unknown) => asked.push(attributes) > 2;
    world.admission.permissions.set("device:lamp", { connect });
    const first = await world.dial("device:lamp").connect({ version: 4, clean: false });
    const second = await world.dial("device:lamp").connect({ will: WILL });
    assert.deepEqual([first.reasonCode, second.reasonCode], [5, 0x87]);
    assert.deepEqual(asked, [
      { persistent: true, willTopic: undefined },
      { persistent: false, willTopic: "gone" },
    ]);
    assert.ok(world.events.lines.includes("refused device:lamp connect_not_authorized"));
  });

  it("refuses a will that its owner may not publish, or on a reserved topic", async () => {
    const world = await TestWorld.start();
    world.admission.permissions.set("device:lamp", { publish: (topic) => topic !== "gone" });
    const forbidden = await world.dial("device:lamp").connect({ will: WILL });
    const reserved = await world.dial("device:free").connect({ will: { ...WILL, topic: "$aws/x" } });
    assert.deepEqual([forbidden.reasonCode, reserved.reasonCode], [0x87, 0x87]);
    assert.match(forbidden.reasonString ?? "", /^will_not_authorized/);
  });

  it("refuses a will of QoS 2 in MQTT 5 and lowers it in 3.1.1", async () => {
    const world = await TestWorld.start();
    const will = { ...WILL, qos: 2 } as const;
    const five = await world.dial("device:lamp").connect({ will });
    const four = await world.dial("device:lamp").connect({ version: 4, will });
    assert.deepEqual([five.reasonCode, four.reasonCode], [0x9b, 0]);
  });

  it("refuses enhanced authentication, a long client id and a will topic over the limits", async () => {
    const world = await TestWorld.start();
    const method = await world.dial("device:lamp").connect({ authenticationMethod: "SCRAM" });
    const long = await world.dial("device:lamp").connect({ clientId: "x".repeat(129) });
    const deep = await world.dial("device:lamp").connect({ will: { ...WILL, topic: "a/b/c/d/e/f/g/h/i" } });
    assert.deepEqual([method.reasonCode, long.reasonCode, deep.reasonCode], [0x8c, 0x85, 0x90]);
  });

  it("closes without an answer where the client takes no packet as large as CONNACK", async () => {
    const world = await TestWorld.start();
    await assert.rejects(world.dial("device:lamp").connect({ maximumPacketSize: 2 }), /got the end/);
  });

  it("ignores user name and password, which AWS's SDKs use for metrics", async () => {
    const world = await TestWorld.start();
    const username = "?SDK=IoTDeviceSDK/JS&Platform=Unix";
    const connack = await world.dial("device:lamp").connect({ version: 4, username, password: Buffer.from("x") });
    assert.equal(connack.reasonCode, 0);
  });

  it("takes what a client sends behind its CONNECT without waiting", async () => {
    const world = await TestWorld.start();
    const client = world.dial("device:lamp");
    const connecting = client.connect();
    client.publish("a", "early", { qos: 1 });
    await connecting;
    assert.equal((await client.next("puback")).reasonCode, 0x10);
  });
});

describe("a claim connection", () => {
  it("gets no stored session, though AWS's SDKs ask for one", async () => {
    const world = await TestWorld.start();
    const first = world.dial("claim:factory");
    assert.equal((await first.connect({ version: 4, clean: false })).sessionPresent, false);
    await first.subscribe("$aws/certificates/create/json/accepted");
    await first.drop();
    const second = world.dial("claim:factory");
    assert.equal((await second.connect({ version: 4, clean: false })).sessionPresent, false);
    assert.equal(world.broker.stats().storedSessions, 0);
    const five = await world.dial("claim:factory").connect({ clientId: "other", sessionExpiryInterval: 100 });
    assert.equal(five.sessionExpiryInterval, 0);
    assert.equal(five.retainAvailable, false);
  });

  it("may have no will", async () => {
    const world = await TestWorld.start();
    const connack = await world.dial("claim:factory").connect({ will: WILL });
    assert.match(connack.reasonString ?? "", /^claim_connect_refused/);
  });

  it("keeps its client id for 30 seconds after its last sign of life", async () => {
    const world = await TestWorld.start();
    const holder = await world.client("claim:factory", { clientId: "device-7" });
    const refused = await world.dial("claim:factory").connect({ clientId: "device-7" });
    assert.equal(refused.reasonCode, 0x89);
    assert.match(refused.reasonString ?? "", /^claim_client_id_busy/);
    await world.advance(29_000);
    await holder.ping();
    await world.advance(29_000);
    assert.equal((await world.dial("claim:factory").connect({ version: 4, clientId: "device-7" })).reasonCode, 3);
    await world.advance(1_500);
    assert.equal((await world.dial("claim:factory").connect({ clientId: "device-7" })).reasonCode, 0);
    assert.equal((await holder.next("disconnect")).reasonCode, 0x8e);
  });

  it("shares nothing with another claim that uses the same client id", async () => {
    const world = await TestWorld.start();
    await world.client("claim:one", { clientId: "device-7" });
    await world.client("claim:two", { clientId: "device-7" });
    assert.equal(world.broker.stats().authenticated, 2);
  });
});

describe("a second connection with the same client id", () => {
  it("takes over from the same device, which is told", async () => {
    const world = await TestWorld.start();
    const old = await world.client("device:lamp", { clientId: "lamp" });
    await world.client("device:lamp", { clientId: "lamp" });
    assert.equal((await old.next("disconnect")).reasonCode, 0x8e);
    assert.ok(world.events.lines.includes("disconnected device:lamp session_taken_over"));
  });

  it("does not disturb another device", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", { clientId: "lamp" });
    await world.client("device:thief", { clientId: "lamp" });
    await lamp.ping();
    assert.equal(world.broker.stats().authenticated, 2);
  });

  it("wins also while the first still waits for its verdict", async () => {
    const world = await TestWorld.start();
    const gate = Promise.withResolvers<void>();
    world.admission.afterVerdict = () => gate.promise;
    const clients = [world.dial("device:lamp"), world.dial("device:lamp")];
    const connacks = clients.map((client) => client.connect({ clean: false, sessionExpiryInterval: 60 }));
    await settle();
    gate.resolve();
    const codes = (await Promise.all(connacks)).map((connack) => connack.reasonCode);
    assert.equal(codes.filter((code) => code === 0).length >= 1, true);
    await settle();
    assert.equal(world.broker.stats().authenticated, 1);
    assert.equal(world.broker.stats().storedSessions, 1);
  });
});

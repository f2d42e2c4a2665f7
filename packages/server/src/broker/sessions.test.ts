import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemorySessionStore } from "./memory-stores.ts";
import { type ConnectOptions, settle, type TestClient, text } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

const KEPT: ConnectOptions = { clientId: "lamp", clean: false, sessionExpiryInterval: 3600 };

async function leaveSubscribed(world: TestWorld, options = KEPT): Promise<void> {
  const lamp = await world.client("device:lamp", options);
  await lamp.subscribe("orders");
  await lamp.drop();
}

async function publish(world: TestWorld, ...payloads: string[]): Promise<void> {
  const publisher = await world.client("device:publisher");
  for (const payload of payloads) {
    publisher.publish("orders", payload, { qos: 1 });
    assert.equal((await publisher.next("puback")).reasonCode, 0);
  }
  await publisher.drop();
}

async function back(world: TestWorld, options = KEPT): Promise<TestClient> {
  const lamp = world.dial("device:lamp");
  assert.equal((await lamp.connect(options)).sessionPresent, true);
  await settle();
  return lamp;
}

describe("a stored session", () => {
  it("keeps subscriptions and acknowledged messages over a restart", async () => {
    for (const options of [KEPT, { clientId: "lamp", version: 4, clean: false } as const]) {
      const world = await TestWorld.start();
      await leaveSubscribed(world, options);
      await publish(world, "1", "2");
      await world.restart();
      const lamp = await back(world, options);
      assert.deepEqual((await lamp.messages()).map(text), ["orders=1", "orders=2"]);
      lamp.inbox.length = 0;
      await publish(world, "3");
      assert.deepEqual((await lamp.messages()).map(text), ["orders=3"]);
    }
  });

  it("of a device that was connected when the process died is there too", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", KEPT);
    await lamp.subscribe("orders");
    await world.restart();
    await publish(world, "1");
    assert.deepEqual((await (await back(world)).messages()).map(text), ["orders=1"]);
  });

  it("sends again what was not acknowledged, with the same packet id and marked as duplicate", async () => {
    const world = await TestWorld.start();
    const first = await world.client("device:lamp", KEPT);
    await first.subscribe("orders");
    await publish(world, "1", "2", "3");
    await first.ping();
    first.puback(1);
    await first.drop();
    await world.advance(250);
    await publish(world, "4");
    const again = (await (await back(world)).messages()).map((message) => {
      return [text(message), message.packetId, message.duplicate];
    });
    assert.deepEqual(again, [
      ["orders=2", 2, true],
      ["orders=3", 3, true],
      ["orders=4", 1, false],
    ]);
  });

  it("sends what waited page by page, in order, within the client's window", async () => {
    const world = await TestWorld.start();
    await leaveSubscribed(world);
    const sent = Array.from({ length: 130 }, (_, index) => `${index}`);
    await publish(world, ...sent);
    const lamp = await back(world, { ...KEPT, receiveMaximum: 7 });
    const received: string[] = [];
    while (received.length < 130) {
      const message = await lamp.next("publish");
      received.push(Buffer.from(message.payload).toString());
      lamp.puback(message.packetId ?? 0);
    }
    assert.deepEqual(received, sent);
    await lamp.ping();
    await world.advance(250);
    assert.deepEqual(await world.sessions.queued({ owner: "device:lamp", clientId: "lamp" }, 0, 10), []);
  });

  it("loses nothing of what comes while it reads what waited", async () => {
    const world = await TestWorld.start();
    await leaveSubscribed(world);
    await publish(world, "1", "2");
    const queued = world.sessions.queued.bind(world.sessions);
    const gate = Promise.withResolvers<void>();
    world.sessions.queued = async (...query) => {
      const page = await queued(...query);
      await gate.promise;
      return page;
    };
    const lamp = await back(world);
    await publish(world, "3", "4");
    gate.resolve();
    await settle();
    assert.deepEqual((await lamp.messages()).map(text), ["orders=1", "orders=2", "orders=3", "orders=4"]);
  });

  it("keeps the newest messages up to its limit", async () => {
    const world = await TestWorld.start();
    world.sessions = new MemorySessionStore({ queuedPerSession: 2, queuedBytesPerSession: 1000 });
    await world.restart();
    await leaveSubscribed(world);
    await publish(world, "1", "2", "3");
    assert.deepEqual((await (await back(world)).messages()).map(text), ["orders=2", "orders=3"]);
  });

  it("ends with a clean start, and its messages with it", async () => {
    const world = await TestWorld.start();
    await leaveSubscribed(world);
    await publish(world, "1");
    const clean = world.dial("device:lamp");
    assert.equal((await clean.connect({ ...KEPT, clean: true })).sessionPresent, false);
    assert.deepEqual(await clean.messages(), []);
    assert.equal(world.broker.stats().subscriptions, 0);
  });

  it("ends when its expiry has passed, also over a restart", async () => {
    const world = await TestWorld.start();
    await leaveSubscribed(world, { ...KEPT, sessionExpiryInterval: 100 });
    await world.advance(60_000);
    await world.restart();
    await world.advance(39_000);
    assert.equal(world.broker.stats().storedSessions, 1);
    await world.advance(2_000);
    assert.equal((await world.dial("device:lamp").connect(KEPT)).sessionPresent, false);
    await leaveSubscribed(world, { ...KEPT, sessionExpiryInterval: 100 });
    await world.advance(170_000);
    assert.equal(world.broker.stats().storedSessions, 0);
    assert.equal(world.broker.stats().subscriptions, 0);
  });

  it("is granted no longer than the installation allows", async () => {
    const world = await TestWorld.start({ limits: { sessionExpirySeconds: 60 } });
    const connack = await world.dial("device:lamp").connect(KEPT);
    assert.equal(connack.sessionExpiryInterval, 60);
  });

  it("may be given up in DISCONNECT, but not asked for there", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", KEPT);
    lamp.send({ type: "disconnect", reasonCode: 0, sessionExpiryInterval: 0 });
    await lamp.closed;
    await settle();
    assert.equal(world.broker.stats().storedSessions, 0);
    const other = await world.client("device:lamp", { clientId: "lamp" });
    other.send({ type: "disconnect", reasonCode: 0, sessionExpiryInterval: 5 });
    assert.equal((await other.next("disconnect")).reasonCode, 0x82);
  });

  it("belongs to its device: another one with the same client id gets nothing of it", async () => {
    const world = await TestWorld.start();
    await leaveSubscribed(world);
    await publish(world, "secret");
    const thief = world.dial("device:thief");
    assert.equal((await thief.connect(KEPT)).sessionPresent, false);
    assert.deepEqual(await thief.messages(), []);
    assert.deepEqual((await (await back(world)).messages()).map(text), ["orders=secret"]);
  });

  it("is judged again when it is restored: subscriptions and messages", async () => {
    const world = await TestWorld.start();
    await leaveSubscribed(world);
    await publish(world, "1");
    world.admission.permissions.set("device:lamp", { subscribe: () => false, receive: () => false });
    const lamp = await back(world);
    assert.deepEqual(await lamp.messages(), []);
    assert.equal(world.broker.stats().subscriptions, 0);
    await world.advance(250);
    assert.deepEqual(await world.sessions.queued({ owner: "device:lamp", clientId: "lamp" }, 0, 10), []);
  });

  it("does not keep messages of QoS 0", async () => {
    const world = await TestWorld.start();
    await leaveSubscribed(world);
    const publisher = await world.client("device:publisher");
    publisher.publish("orders", "x");
    await publisher.ping();
    assert.deepEqual(await (await back(world)).messages(), []);
  });

  it("beyond what one device may have is refused to that device alone, also after a restart", async () => {
    const settings = { limits: { sessionsPerOwner: 2 } };
    const world = await TestWorld.start(settings);
    const keep = (clientId: string, who: "device:lamp" | "device:other" = "device:lamp") =>
      world.dial(who).connect({ clientId, clean: false, sessionExpiryInterval: 3600 });
    for (const clientId of ["1", "2", "1"]) assert.equal((await keep(clientId)).reasonCode, 0);
    assert.match((await keep("3")).reasonString ?? "", /^limit_reached/);
    assert.equal((await keep("3", "device:other")).reasonCode, 0);
    await world.restart(settings);
    assert.match((await keep("3")).reasonString ?? "", /^limit_reached/);
    assert.equal((await world.dial("device:lamp").connect({ clientId: "2" })).reasonCode, 0, "this one ends");
    assert.equal((await keep("3")).reasonCode, 0);
  });

  it("is refused where the installation has too many", async () => {
    const world = await TestWorld.start({ limits: { sessions: 1 } });
    await leaveSubscribed(world);
    const connack = await world.dial("device:other").connect({ ...KEPT, clientId: "other" });
    assert.equal(connack.reasonCode, 0x97);
    assert.match(connack.reasonString ?? "", /^limit_reached/);
  });

  it("that cannot be stored refuses the subscription", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", KEPT);
    world.sessions.save = async () => {
      throw new Error("disk full");
    };
    assert.deepEqual((await lamp.subscribe("orders")).reasonCodes, [0x80]);
    assert.equal(world.broker.stats().subscriptions, 0);
  });
});

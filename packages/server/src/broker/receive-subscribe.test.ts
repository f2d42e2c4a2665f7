import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { text } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

describe("SUBSCRIBE", () => {
  it("that policy forbids fails for that filter, and the connection goes on", async () => {
    const world = await TestWorld.start();
    world.admission.permissions.set("device:lamp", { subscribe: (filter) => filter === "mine" });
    for (const [version, code] of [
      [4, 0x80],
      [5, 0x87],
    ] as const) {
      const lamp = await world.client("device:lamp", { version });
      assert.deepEqual((await lamp.subscribe("theirs")).reasonCodes, [code]);
      assert.deepEqual((await lamp.subscribe("#")).reasonCodes, [code]);
      assert.deepEqual((await lamp.subscribe("mine")).reasonCodes, [1]);
    }
    assert.ok(world.events.lines.includes("refused device:lamp subscribe_not_authorized"));
  });

  it("to a shared subscription is judged by the filter behind the group", async () => {
    const world = await TestWorld.start();
    world.admission.permissions.set("device:lamp", { subscribe: (filter) => filter === "mine" });
    const lamp = await world.client("device:lamp");
    assert.deepEqual((await lamp.subscribe("$share/group/mine")).reasonCodes, [1]);
    assert.deepEqual((await lamp.subscribe("$share/group/theirs")).reasonCodes, [0x87]);
  });

  it("with QoS 2 is granted QoS 1", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    assert.deepEqual((await lamp.subscribe("a", { qos: 2 })).reasonCodes, [1]);
  });

  it("beyond the limits of number, length and depth fails", async () => {
    const world = await TestWorld.start({ limits: { subscriptionsPerConnection: 2 } });
    const lamp = await world.client("device:lamp");
    assert.deepEqual((await lamp.subscribe("x".repeat(257))).reasonCodes, [0x8f]);
    assert.deepEqual((await lamp.subscribe("1/2/3/4/5/6/7/8/9")).reasonCodes, [0x8f]);
    assert.deepEqual((await lamp.subscribe("$share/group/1/2/3/4/5/6/7/8")).reasonCodes, [1]);
    await lamp.subscribe("b");
    assert.deepEqual((await lamp.subscribe("c")).reasonCodes, [0x97]);
    assert.deepEqual((await lamp.subscribe("b", { qos: 0 })).reasonCodes, [0], "replacing one is always possible");
  });

  it("again for the same filter replaces the former", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a", { qos: 1 });
    await lamp.subscribe("a", { qos: 0 });
    lamp.publish("a", "x", { qos: 1 });
    const messages = await lamp.messages();
    assert.deepEqual(
      messages.map((message) => message.qos),
      [0],
    );
  });
});

describe("UNSUBSCRIBE", () => {
  it("ends the deliveries, and says whether there was anything", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a");
    lamp.send({ type: "unsubscribe", packetId: 9, filters: ["a", "b"] });
    assert.deepEqual((await lamp.next("unsuback")).reasonCodes, [0, 0x11]);
    lamp.publish("a", "x");
    assert.deepEqual(await lamp.messages(), []);
    assert.equal(world.broker.stats().subscriptions, 0);
  });
});

describe("a shared subscription", () => {
  it("gives each message to one member, in turn", async () => {
    const world = await TestWorld.start();
    const members = [await world.client("device:one"), await world.client("device:two")];
    for (const member of members) await member.subscribe("$share/group/jobs");
    const publisher = await world.client("device:publisher");
    for (let sent = 0; sent < 6; sent++) publisher.publish("jobs", `${sent}`);
    await publisher.ping();
    const counts = await Promise.all(members.map(async (member) => (await member.messages()).length));
    assert.deepEqual(counts, [3, 3]);
  });

  it("goes on with those who are there", async () => {
    const world = await TestWorld.start();
    const [one, two] = [await world.client("device:one"), await world.client("device:two")];
    for (const member of [one, two]) await member.subscribe("$share/group/jobs");
    await one.drop();
    const publisher = await world.client("device:publisher");
    for (let sent = 0; sent < 3; sent++) publisher.publish("jobs", `${sent}`);
    await publisher.ping();
    assert.equal((await two.messages()).length, 3);
  });
});

describe("a retained message", () => {
  it("reaches whoever subscribes later, marked as retained", async () => {
    const world = await TestWorld.start();
    const publisher = await world.client("device:publisher");
    publisher.publish("room/1/lamp", "on", { retain: true, qos: 1 });
    assert.equal((await publisher.next("puback")).reasonCode, 0);
    for (const filter of ["room/1/lamp", "room/+/lamp", "room/#", "room/1/lamp/#", "#"]) {
      const lamp = await world.client("device:lamp");
      await lamp.subscribe(filter, { identifier: 4 });
      const message = await lamp.next("publish");
      assert.deepEqual([text(message), message.retain, message.qos], ["room/1/lamp=on", true, 1], filter);
      assert.deepEqual(message.properties.subscriptionIdentifiers, [4]);
    }
    const other = await world.client("device:lamp");
    await other.subscribe("room/2/#");
    assert.deepEqual(await other.messages(), []);
  });

  it("is sent by the rule of the subscription's retain handling", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    lamp.publish("a", "x", { retain: true });
    const received = async (retainHandling: 0 | 1 | 2) => {
      await lamp.subscribe("a", { retainHandling, qos: 0 });
      const count = (await lamp.messages()).length;
      lamp.inbox.length = 0;
      return count;
    };
    assert.deepEqual([await received(2), await received(1), await received(0)], [0, 0, 1]);
    lamp.send({ type: "unsubscribe", packetId: 9, filters: ["a"] });
    await lamp.next("unsuback");
    assert.deepEqual([await received(1), await received(1)], [1, 0]);
  });

  it("is delivered live as it was published only where the subscriber asks for that", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a", { retainAsPublished: true, qos: 0 });
    await lamp.subscribe("b", { qos: 0 });
    for (const topic of ["a", "b"]) lamp.publish(topic, "x", { retain: true });
    assert.deepEqual(
      (await lamp.messages()).map((message) => message.retain),
      [true, false],
    );
  });

  it("is removed by an empty one, forgotten when it expires, and survives a restart", async () => {
    const world = await TestWorld.start();
    const publisher = await world.client("device:publisher");
    publisher.publish("stays", "x", { retain: true });
    publisher.publish("goes", "x", { retain: true });
    publisher.publish("goes", "", { retain: true });
    publisher.publish("expires", "x", { retain: true, properties: { messageExpiryInterval: 10 } });
    await publisher.ping();
    assert.equal(world.broker.stats().retained, 2);
    await world.restart();
    await world.advance(11_000);
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("#", { qos: 0 });
    assert.deepEqual((await lamp.messages()).map(text), ["stays=x"]);
  });

  it("is refused as a whole where there is no room for it", async () => {
    const world = await TestWorld.start({ limits: { retainedMessages: 1 } });
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("#", { qos: 0 });
    lamp.publish("one", "x", { retain: true, qos: 1 });
    assert.equal((await lamp.next("publish")).topic, "one");
    await lamp.next("puback");
    lamp.publish("two", "x", { retain: true, qos: 1 });
    assert.equal((await lamp.next("puback")).reasonCode, 0x97);
    assert.deepEqual(await lamp.messages(), []);
    lamp.publish("one", "y", { retain: true });
    assert.deepEqual((await lamp.messages()).map(text), ["one=y"]);
    const four = await world.client("device:four", { version: 4 });
    four.publish("three", "x", { retain: true });
    await four.closed;
    assert.ok(world.events.lines.includes("refused device:four limit_reached"));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PublishPacket } from "@fleetmint/mqtt";
import { settle, text } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

describe("PUBLISH", () => {
  it("reaches subscribers of both versions, and says so to the publisher", async () => {
    const world = await TestWorld.start();
    const five = await world.client("device:five");
    const four = await world.client("device:four", { version: 4 });
    await five.subscribe("news/#");
    await four.subscribe("news/+", { qos: 0 });
    const publisher = await world.client("device:publisher");
    publisher.publish("news/today", "hello", { qos: 1 });
    assert.equal((await publisher.next("puback")).reasonCode, 0);
    const atFive = await five.next("publish");
    const atFour = await four.next("publish");
    assert.deepEqual([text(atFive), atFive.qos, atFive.packetId], ["news/today=hello", 1, 1]);
    assert.deepEqual([text(atFour), atFour.qos], ["news/today=hello", 0]);
    publisher.publish("elsewhere", "nobody", { qos: 1 });
    assert.equal((await publisher.next("puback")).reasonCode, 0x10);
  });

  it("that policy forbids ends the connection, in MQTT 5 with the reason", async () => {
    const world = await TestWorld.start();
    world.admission.permissions.set("device:lamp", { publish: (topic) => topic === "lamp" });
    const five = await world.client("device:lamp");
    five.publish("secret", "x");
    const goodbye = await five.next("disconnect");
    assert.equal(goodbye.reasonCode, 0x87);
    assert.match(goodbye.reasonString ?? "", /^publish_not_authorized: .*secret/);
    const four = await world.client("device:lamp", { version: 4 });
    four.publish("secret", "x", { qos: 1 });
    await four.closed;
    assert.deepEqual(four.inbox, []);
    assert.equal(world.events.lines.filter((line) => line.endsWith("publish_not_authorized")).length, 4);
  });

  it("asks policy whether it may also be retained", async () => {
    const world = await TestWorld.start();
    world.admission.permissions.set("device:lamp", { publish: (_topic, retain) => !retain });
    const lamp = await world.client("device:lamp");
    lamp.publish("state", "on");
    await lamp.ping();
    lamp.publish("state", "on", { retain: true });
    assert.equal((await lamp.next("disconnect")).reasonCode, 0x87);
    assert.equal(world.broker.stats().retained, 0);
  });

  it("of a claim is never retained", async () => {
    const world = await TestWorld.start();
    const claim = await world.client("claim:factory");
    claim.publish("$aws/certificates/create/json", "{}", { retain: true });
    assert.match((await claim.next("disconnect")).reasonString ?? "", /^claim_connect_refused/);
  });

  it("with QoS 2 ends the connection, as CONNACK announced", async () => {
    const world = await TestWorld.start();
    const five = await world.client("device:lamp");
    five.publish("a", "x", { qos: 2 });
    assert.equal((await five.next("disconnect")).reasonCode, 0x9b);
    const four = await world.client("device:lamp", { version: 4 });
    four.publish("a", "x", { qos: 2 });
    await four.closed;
  });

  it("may name its topic by an alias of this connection", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("long/topic", { qos: 0 });
    lamp.publish("long/topic", "1", { properties: { topicAlias: 3 } });
    lamp.publish("", "2", { properties: { topicAlias: 3 } });
    assert.deepEqual((await lamp.messages()).map(text), ["long/topic=1", "long/topic=2"]);
    lamp.inbox.length = 0;
    lamp.publish("", "3", { properties: { topicAlias: 9 } });
    assert.equal((await lamp.next("disconnect")).reasonCode, 0x94);
  });

  it("uses aliases towards a client that takes them, and names a topic before it uses its alias", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", { topicAliasMaximum: 1 });
    await lamp.subscribe("#", { qos: 0 });
    for (const topic of ["a", "a", "b"]) lamp.publish(topic, "x");
    const seen = (await lamp.messages()).map(({ topic, properties }) => [topic, properties.topicAlias]);
    assert.deepEqual(seen, [
      ["a", 1],
      ["", 1],
      ["b", undefined],
    ]);
  });

  it("on a topic over the limits is refused", async () => {
    const world = await TestWorld.start();
    for (const topic of ["x".repeat(257), "1/2/3/4/5/6/7/8/9"]) {
      const lamp = await world.client("device:lamp");
      lamp.publish(topic, "x");
      assert.equal((await lamp.next("disconnect")).reasonCode, 0x90);
    }
  });

  it("over the size limit is refused from its header alone", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    lamp.stream.write(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f));
    assert.equal((await lamp.next("disconnect")).reasonCode, 0x95);
  });

  it("carries its properties on, without alias, and with what is left of its expiry", async () => {
    const world = await TestWorld.start();
    const properties = {
      messageExpiryInterval: 100,
      contentType: "text/plain",
      responseTopic: "answers",
      correlationData: Buffer.from("7"),
      userProperties: [["a", "b"]],
      payloadFormatIndicator: 1,
    } as const;
    const publisher = await world.client("device:publisher");
    const subscriber = await world.client("device:subscriber", { sessionExpiryInterval: 1000, clientId: "s" });
    await subscriber.subscribe("a");
    await subscriber.drop();
    publisher.publish("a", "x", { qos: 1, properties });
    await publisher.next("puback");
    await world.advance(40_000);
    const back = await world.client("device:subscriber", { clean: false, sessionExpiryInterval: 1000, clientId: "s" });
    const message = await back.next("publish");
    assert.deepEqual({ ...message.properties }, { ...properties, messageExpiryInterval: 60 });
  });

  it("is not delivered to its own sender where that wants no local messages", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a", { noLocal: true });
    lamp.publish("a", "mine");
    assert.deepEqual(await lamp.messages(), []);
  });

  it("reaches a client once for overlapping subscriptions, with every identifier and the best QoS", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a/#", { qos: 0, identifier: 1 });
    await lamp.subscribe("a/b", { qos: 1, identifier: 2 });
    lamp.publish("a/b", "x", { qos: 1 });
    const messages = (await lamp.messages()) as PublishPacket[];
    assert.equal(messages.length, 1);
    assert.equal(messages[0]?.qos, 1);
    assert.deepEqual([...(messages[0]?.properties.subscriptionIdentifiers ?? [])].sort(), [1, 2]);
  });

  it("is judged at every delivery", async () => {
    const world = await TestWorld.start();
    world.admission.permissions.set("device:lamp", { receive: (topic) => topic !== "secret" });
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("#");
    const other = await world.client("device:other");
    for (const topic of ["secret", "open"]) other.publish(topic, "x", { qos: 1 });
    await other.ping();
    assert.deepEqual((await lamp.messages()).map(text), ["open=x"]);
  });

  it("larger than a client takes is kept from it", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", { maximumPacketSize: 50 });
    await lamp.subscribe("#");
    for (const qos of [0, 1] as const) lamp.publish("a", "x".repeat(60), { qos });
    lamp.publish("a", "small");
    await lamp.next("puback");
    assert.deepEqual((await lamp.messages()).map(text), ["a=small"]);
  });
});

describe("the rate of publishing", () => {
  it("is held down by reading no faster, and nothing is lost", async () => {
    const world = await TestWorld.start({ limits: { publishesPerSecond: 10 } });
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a", { qos: 0 });
    for (let sent = 0; sent < 35; sent++) lamp.publish("a", `${sent}`);
    await settle();
    assert.ok(lamp.inbox.length < 35, `${lamp.inbox.length} came at once`);
    await world.advance(6_000);
    assert.equal((await lamp.messages()).length, 35);
  });

  it("ends a connection that pours in many seconds' worth at once", async () => {
    const world = await TestWorld.start({ limits: { publishesPerSecond: 10 } });
    const lamp = await world.client("device:lamp");
    const one = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0);
    lamp.stream.write(Buffer.concat(Array<Uint8Array>(50).fill(one)));
    assert.equal((await lamp.next("disconnect")).reasonCode, 0x96);
    assert.ok(world.events.lines.includes("refused device:lamp rate_limited"));
  });
});

describe("acknowledgements", () => {
  it("keep the order of the messages, though the store settles one of them late", async () => {
    const world = await TestWorld.start();
    const away = await world.client("device:away", { sessionExpiryInterval: 100, clientId: "away" });
    await away.subscribe("slow");
    await away.drop();
    const gate = Promise.withResolvers<void>();
    const enqueue = world.sessions.enqueue.bind(world.sessions);
    world.sessions.enqueue = async (keys, message) => {
      await gate.promise;
      return enqueue(keys, message);
    };
    const publisher = await world.client("device:publisher");
    const slow = publisher.publish("slow", "x", { qos: 1 });
    const fast = publisher.publish("fast", "x", { qos: 1 });
    await publisher.ping();
    assert.deepEqual(publisher.inbox, [], "nothing may be acknowledged before it is durable");
    gate.resolve();
    assert.equal((await publisher.next("puback")).packetId, slow);
    assert.equal((await publisher.next("puback")).packetId, fast);
  });

  it("say no where the store failed, and 3.1.1 gets none so that it tries again", async () => {
    const world = await TestWorld.start();
    const away = await world.client("device:away", { sessionExpiryInterval: 100, clientId: "away" });
    await away.subscribe("a");
    await away.drop();
    world.sessions.enqueue = async () => {
      throw new Error("disk full");
    };
    const five = await world.client("device:five");
    five.publish("a", "x", { qos: 1 });
    assert.equal((await five.next("puback")).reasonCode, 0x80);
    const four = await world.client("device:four", { version: 4 });
    four.publish("a", "x", { qos: 1 });
    await four.closed;
    assert.deepEqual(four.inbox, []);
  });

  it("end an MQTT 5 connection that has more messages under way than announced", async () => {
    const world = await TestWorld.start({ limits: { inflightPerConnection: 3 } });
    const away = await world.client("device:away", { sessionExpiryInterval: 100, clientId: "away" });
    await away.subscribe("a");
    await away.drop();
    world.sessions.enqueue = () => new Promise(() => {});
    const five = await world.client("device:five");
    const packets = [1, 2, 3, 4].map((packetId) => Uint8Array.of(0x32, 6, 0, 1, 0x61, 0, packetId, 0));
    five.stream.write(Buffer.concat(packets));
    assert.equal((await five.next("disconnect")).reasonCode, 0x93);
  });

  it("for messages of ours open the window for those that wait", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", { receiveMaximum: 2 });
    await lamp.subscribe("a");
    const publisher = await world.client("device:publisher");
    for (let sent = 0; sent < 5; sent++) publisher.publish("a", `${sent}`, { qos: 1 });
    await publisher.ping();
    assert.deepEqual((await lamp.messages()).map(text), ["a=0", "a=1"]);
    lamp.puback(1);
    lamp.puback(1);
    lamp.puback(77);
    assert.deepEqual((await lamp.messages()).map(text), ["a=0", "a=1", "a=2"]);
    for (const id of [2, 3, 4]) lamp.puback(id);
    assert.deepEqual((await lamp.messages()).map(text).slice(3), ["a=3", "a=4"]);
  });

  it("are not made of QoS 2 packets", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a");
    lamp.publish("a", "x", { qos: 1 });
    const { packetId = 0 } = (await lamp.messages())[0] as PublishPacket;
    lamp.inbox.length = 0;
    lamp.send({ type: "pubrel", packetId: 900, reasonCode: 0 });
    assert.equal((await lamp.next("pubcomp")).packetId, 900);
    lamp.send({ type: "pubrec", packetId, reasonCode: 0 });
    assert.equal((await lamp.next("disconnect")).reasonCode, 0x82);
  });
});

describe("a client that does not read", () => {
  it("loses QoS 0 messages, and costs no more than its bound", async () => {
    const world = await TestWorld.start({ limits: { outgoingBufferBytes: 10_000 } });
    const deaf = await world.client("device:deaf");
    await deaf.subscribe("a", { qos: 0 });
    deaf.stream.pause();
    const publisher = await world.client("device:publisher");
    for (let sent = 0; sent < 400; sent++) publisher.publish("a", "x".repeat(1000));
    await publisher.ping();
    deaf.stream.resume();
    const got = (await deaf.messages()).length;
    assert.ok(got > 0 && got < 200, `${got} of 400 messages were kept`);
  });

  it("keeps its QoS 1 messages in a queue, the newest up to the limit", async () => {
    const limits = { outgoingBufferBytes: 5_000, queuedPerSession: 20 };
    const world = await TestWorld.start({ limits });
    const deaf = await world.client("device:deaf", { receiveMaximum: 1 });
    await deaf.subscribe("a");
    const publisher = await world.client("device:publisher");
    for (let sent = 0; sent < 60; sent++) publisher.publish("a", `${sent}`, { qos: 1 });
    await publisher.ping();
    for (let read = 0; read < 21; read++) deaf.puback((await deaf.next("publish")).packetId ?? 0);
    assert.deepEqual(await deaf.messages(), []);
  });

  it("is not read either while its answers pile up", async () => {
    const world = await TestWorld.start({ limits: { outgoingBufferBytes: 1_000 } });
    const deaf = await world.client("device:deaf");
    deaf.stream.pause();
    const pings = Buffer.alloc(20_000).fill(Buffer.from([0xc0, 0x00]));
    for (let sent = 0; sent < 12; sent++) deaf.stream.write(pings);
    await settle();
    assert.ok(deaf.stream.writableLength > 0, "the server took everything");
    deaf.stream.resume();
    await settle();
  });
});

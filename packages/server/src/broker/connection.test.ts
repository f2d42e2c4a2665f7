import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settle, type TestClient } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

describe("a connection that is not authenticated", () => {
  it("is gone when it has sent no CONNECT in five seconds", async () => {
    const world = await TestWorld.start();
    const idle = world.dial("device:lamp");
    const slow = world.dial("device:lamp");
    slow.stream.write(Uint8Array.of(0x10, 20, 0, 4));
    await world.advance(4_750);
    assert.deepEqual([idle.isClosed, slow.isClosed], [false, false]);
    await world.advance(250);
    await Promise.all([idle.closed, slow.closed]);
    assert.equal(world.broker.stats().connections, 0);
    assert.equal(world.broker.stats().unauthenticated, 0);
  });

  it("is gone when its verdict does not come", async () => {
    const world = await TestWorld.start();
    world.admission.afterVerdict = () => new Promise(() => {});
    const lamp = world.dial("device:lamp");
    const refused = assert.rejects(lamp.connect(), /got the end/);
    await world.advance(5_000);
    await refused;
  });

  it("is closed at a header that is none, or too large, without an answer", async () => {
    const world = await TestWorld.start();
    const starts = [
      [0x10, 0xff, 0xff, 0xff, 0x7f],
      [0x10, 0xff, 0xff, 0xff, 0xff],
      [0x00],
      [0x30, 3, 0, 1, 0x61],
      [0x10, 0x81, 0x20],
      [0x16, 0x03, 0x01, 0x02, 0x00],
      [0xc0, 0x00],
    ];
    for (const bytes of starts) {
      const hostile = world.dial("device:lamp");
      hostile.stream.write(Uint8Array.from(bytes));
      await hostile.closed;
      assert.deepEqual(hostile.chunks, [], `${bytes} was answered`);
    }
    assert.equal(world.broker.stats().connections, 0);
  });

  it("is reported once for many from one address", async () => {
    const world = await TestWorld.start();
    for (let tried = 0; tried < 5; tried++) {
      const hostile = world.dial("device:lamp");
      hostile.stream.write(Uint8Array.of(0x00));
      await hostile.closed;
    }
    assert.deepEqual(world.events.lines, ["refused 192.0.2.1 protocol_error"]);
    assert.match(world.events.messages[0] ?? "", /packet type 0 is forbidden/);
  });

  it("may send 16 KiB while its verdict is awaited, and no more", async () => {
    const world = await TestWorld.start();
    const gate = Promise.withResolvers<void>();
    world.admission.afterVerdict = () => gate.promise;
    const eager = world.dial("device:eager");
    const hostile = world.dial("device:hostile");
    const connecting = eager.connect();
    const refused = assert.rejects(hostile.connect({ clientId: "hostile" }), /got the end/);
    await settle();
    eager.publish("a", "x".repeat(15_000), { qos: 1 });
    hostile.publish("a", "x".repeat(17_000));
    await refused;
    gate.resolve();
    assert.equal((await connecting).reasonCode, 0);
    await eager.next("puback");
    assert.match(world.events.messages[0] ?? "", /More than 16384 bytes came before CONNACK/);
  });

  it("is turned away where its address has too many, and others get in", async () => {
    const world = await TestWorld.start({ limits: { unauthenticatedPerAddress: 3 } });
    const held = [1, 2, 3].map(() => world.dial("device:lamp", "192.0.2.7"));
    const fourth = world.dial("device:lamp", "192.0.2.7");
    await fourth.closed;
    assert.equal((await world.dial("device:good", "192.0.2.8").connect()).reasonCode, 0);
    assert.ok(world.events.lines.includes("refused 192.0.2.7 connection_limit_reached"));
    assert.equal((await (held[0] as TestClient).connect()).reasonCode, 0);
    assert.equal((await world.dial("device:lamp", "192.0.2.7").connect({ clientId: "b" })).reasonCode, 0);
  });
});

describe("keep-alive", () => {
  it("ends a silent client after one and a half times its interval, with the reason", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", { keepAlive: 10 });
    await world.advance(10_000);
    await lamp.ping();
    await world.advance(14_750);
    assert.equal(lamp.isClosed, false);
    await world.advance(500);
    assert.equal((await lamp.next("disconnect")).reasonCode, 0x8d);
    assert.ok(world.events.lines.includes("disconnected device:lamp keepalive_timeout"));
  });

  it("of zero means none", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", { keepAlive: 0 });
    await world.advance(100_000);
    await lamp.ping();
  });

  it("is not held against a client that the server does not read", async () => {
    const world = await TestWorld.start({ limits: { publishesPerSecond: 1 } });
    const lamp = await world.client("device:lamp", { keepAlive: 1 });
    for (let sent = 0; sent < 4; sent++) lamp.publish("a", "x");
    await world.advance(4_000);
    assert.equal(lamp.isClosed, false);
  });
});

describe("a client that keeps its window shut", () => {
  it("is ended after a minute in which nothing has moved", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a", { qos: 0 });
    lamp.stream.pause();
    const publisher = await world.client("device:publisher");
    for (let sent = 0; sent < 20; sent++) publisher.publish("a", "x".repeat(10_000));
    await world.advance(59_000);
    assert.equal(world.broker.stats().authenticated, 2);
    await world.advance(3_000);
    assert.equal(world.broker.stats().authenticated, 1);
    assert.ok(world.events.lines.includes("disconnected device:lamp keepalive_timeout"));
  });

  it("has its minute from the first tick on, however long the server has run", async () => {
    const world = await TestWorld.start();
    await world.advance(120_000);
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("a", { qos: 0 });
    lamp.stream.pause();
    const publisher = await world.client("device:publisher");
    for (let sent = 0; sent < 20; sent++) publisher.publish("a", "x".repeat(10_000));
    await settle();
    await world.advance(250);
    assert.equal(world.broker.stats().authenticated, 2);
  });
});

describe("a goodbye", () => {
  it("of the client is an end without a fault", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    lamp.send({ type: "disconnect", reasonCode: 0 });
    await lamp.closed;
    await settle();
    assert.deepEqual(world.events.lines, ["connected device:lamp", "disconnected device:lamp client"]);
    assert.equal(world.broker.stats().connections, 0);
  });

  it("of the server reaches every MQTT 5 client, and stopping waits until all are gone", async () => {
    const world = await TestWorld.start();
    const five = await world.client("device:five");
    const four = await world.client("device:four", { version: 4 });
    const closing = world.broker.close();
    assert.equal((await five.next("disconnect")).reasonCode, 0x8b);
    await four.closed;
    await closing;
    assert.equal(world.broker.stats().connections, 0);
    assert.ok(world.events.lines.includes("disconnected device:five server_stopping"));
    world.dial("device:late");
    assert.equal(world.broker.stats().connections, 0);
  });

  it("that the client does not take is cut off a second later", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    lamp.stubborn = true;
    lamp.publish("$nothing", "x");
    await lamp.next("disconnect");
    await settle();
    assert.equal(world.broker.stats().connections, 1);
    await world.advance(1_250);
    assert.equal(world.broker.stats().connections, 0);
  });
});

describe("what operators are told", () => {
  it("is bounded for each connection", async () => {
    const world = await TestWorld.start({ limits: { reportsPerConnection: 3 } });
    world.admission.permissions.set("device:lamp", { subscribe: () => false });
    const lamp = await world.client("device:lamp");
    for (let tried = 0; tried < 10; tried++) await lamp.subscribe(`a/${tried}`);
    assert.equal(world.events.lines.filter((line) => line.startsWith("refused")).length, 3);
  });
});

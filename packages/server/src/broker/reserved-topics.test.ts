import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReservedRequest } from "./ports.ts";
import { settle, type TestClient, text } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

const CREATE = "$aws/certificates/create/json";

/** Two devices with the same claim ask at the same time; answers what each has seen of the other's. */
async function leaks(world: TestWorld, [one, two]: [TestClient, TestClient]): Promise<string[]> {
  await one.subscribe(`${CREATE}/accepted`);
  await two.subscribe(`${CREATE}/+`);
  one.publish(CREATE, "one", { qos: 1 });
  two.publish(CREATE, "two");
  await settle();
  await world.advance(250);
  const seenByOne = (await one.messages()).map(text);
  const seenByTwo = (await two.messages()).map(text);
  assert.ok(seenByOne.includes(`${CREATE}/accepted=for one`), "the first got no answer");
  assert.ok(seenByTwo.includes(`${CREATE}/accepted=for two`), "the second got no answer");
  return [
    ...seenByOne.filter((line) => !line.endsWith("for one")),
    ...seenByTwo.filter((line) => !line.endsWith("for two")),
  ];
}

async function toTheAsker({ topic, payload, reply }: ReservedRequest): Promise<void> {
  await settle();
  reply(`${topic}/accepted`, Buffer.from(`for ${Buffer.from(payload).toString()}`));
}

describe("an answer on a reserved topic", () => {
  for (const version of [4, 5] as const) {
    for (const clean of [true, false]) {
      const how = `MQTT ${version}, ${clean ? "clean" : "persistent"}`;
      it(`is seen by the device that asked alone (${how})`, async () => {
        const world = await TestWorld.start();
        world.reserved.answer = toTheAsker;
        const one = await world.client("claim:factory", { version, clean, clientId: "one" });
        const two = await world.client("claim:factory", { version, clean, clientId: "two" });
        assert.deepEqual(await leaks(world, [one, two]), []);
      });
    }
  }

  it("is seen by the device that asked alone, also by its successor with the same client id", async () => {
    const world = await TestWorld.start();
    const held: ReservedRequest[] = [];
    world.reserved.answer = async (request) => void held.push(request);
    const first = await world.client("claim:factory", { version: 4, clean: false, clientId: "same" });
    await first.subscribe(`${CREATE}/accepted`);
    first.publish(CREATE, "first");
    await first.ping();
    await world.advance(31_000);
    const second = await world.client("claim:factory", { version: 4, clean: false, clientId: "same" });
    await second.subscribe(`${CREATE}/accepted`);
    held[0]?.reply(`${CREATE}/accepted`, Buffer.from("secret of the first"));
    assert.deepEqual(await second.messages(), []);
  });

  it("is not given to a request that waited its turn and is no longer allowed when that comes", async () => {
    const world = await TestWorld.start({ limits: { reservedInFlight: 1 } });
    const { promise, resolve } = Promise.withResolvers<void>();
    world.reserved.answer = () => promise;
    const lamp = await world.client("device:lamp");
    for (const payload of ["first", "second"]) lamp.publish(CREATE, payload);
    await settle();
    world.admission.permissions.set("device:lamp", { publish: () => false });
    world.changes.record("policies", "");
    await world.advance(250);
    resolve();
    await settle();
    assert.deepEqual(
      world.reserved.requests.map(({ payload }) => Buffer.from(payload).toString()),
      ["first"],
    );
  });

  it("would be seen by others if it were published broker-wide, and this check would find it", async () => {
    const world = await TestWorld.start();
    const asked: ReservedRequest[] = [];
    // The planted fault: what a broker does that fans answers out by topic.
    world.reserved.answer = async (request) => {
      asked.push(request);
      await settle();
      const answer = Buffer.from(`for ${Buffer.from(request.payload).toString()}`);
      for (const everyone of asked) everyone.reply(`${request.topic}/accepted`, answer);
    };
    const one = await world.client("claim:factory", { clientId: "one" });
    const two = await world.client("claim:factory", { clientId: "two" });
    assert.ok((await leaks(world, [one, two])).length > 0);
  });

  it("comes with the QoS of the subscription that matches, and with QoS 0 without one", async () => {
    const world = await TestWorld.start();
    world.reserved.answer = toTheAsker;
    const claim = await world.client("claim:factory");
    claim.publish(CREATE, "1");
    assert.equal((await claim.next("publish")).qos, 0);
    await claim.subscribe(`${CREATE}/+`, { qos: 1, identifier: 5 });
    claim.publish(CREATE, "2");
    const second = await claim.next("publish");
    assert.deepEqual([second.qos, second.packetId, second.properties.subscriptionIdentifiers], [1, 1, [5]]);
  });

  it("leaves in one write with the acknowledgement of the request", async () => {
    const world = await TestWorld.start();
    world.reserved.answer = toTheAsker;
    const claim = await world.client("claim:factory");
    await claim.subscribe(`${CREATE}/accepted`, { qos: 0 });
    claim.chunks.length = 0;
    const packetId = claim.publish(CREATE, "1", { qos: 1 });
    await settle();
    assert.equal((await claim.next("puback")).packetId, packetId);
    assert.equal(text(await claim.next("publish")), `${CREATE}/accepted=for 1`);
    assert.equal(claim.chunks.length, 1);
  });

  it("does not hold the acknowledgement back when it takes long", async () => {
    const world = await TestWorld.start();
    world.reserved.answer = () => new Promise(() => {});
    const claim = await world.client("claim:factory");
    claim.publish(CREATE, "1", { qos: 1 });
    await settle();
    assert.deepEqual(claim.inbox, []);
    world.clock.advance(10);
    await claim.next("puback");
  });

  it("is swallowed when the asker is gone", async () => {
    const world = await TestWorld.start();
    const held: ReservedRequest[] = [];
    world.reserved.answer = async (request) => void held.push(request);
    const claim = await world.client("claim:factory");
    claim.publish(CREATE, "1");
    await claim.ping();
    await claim.drop();
    held[0]?.reply(`${CREATE}/accepted`, Buffer.from("late"));
    assert.equal(world.broker.stats().connections, 0);
  });

  it("is kept from a device that policy lets receive nothing there", async () => {
    const world = await TestWorld.start();
    world.reserved.answer = toTheAsker;
    world.admission.permissions.set("claim:factory", { receive: () => false });
    const claim = await world.client("claim:factory");
    claim.publish(CREATE, "1");
    await settle();
    assert.deepEqual(await claim.messages(), []);
  });
});

describe("a request on a reserved topic", () => {
  it("is not forwarded to anyone, whatever they subscribed to", async () => {
    const world = await TestWorld.start();
    const spy = await world.client("device:spy");
    for (const filter of ["#", "$aws/#", CREATE, "+/certificates/#", `$share/g/${CREATE}`]) await spy.subscribe(filter);
    const claim = await world.client("claim:factory");
    claim.publish(CREATE, "my CSR");
    await claim.ping();
    assert.equal(world.reserved.requests.length, 1);
    assert.deepEqual(await spy.messages(), []);
  });

  it("names the principal, the client id and the address that asked", async () => {
    const world = await TestWorld.start();
    const claim = await world.client("claim:factory", { clientId: "device-7" });
    claim.publish(CREATE, "{}");
    await claim.ping();
    const { principal, clientId, remoteAddress, topic } = world.reserved.requests[0] as ReservedRequest;
    assert.equal(principal.kind, "claim");
    assert.deepEqual([clientId, remoteAddress, topic], ["device-7", "192.0.2.1", CREATE]);
  });

  it("that nothing answers ends the connection with the reason", async () => {
    const world = await TestWorld.start();
    const claim = await world.client("claim:factory");
    claim.publish("$SYS/broker", "x");
    assert.match((await claim.next("disconnect")).reasonString ?? "", /^operation_unknown/);
  });

  it("that policy forbids is not handed on", async () => {
    const world = await TestWorld.start();
    world.admission.permissions.set("claim:factory", { publish: () => false });
    const claim = await world.client("claim:factory");
    claim.publish(CREATE, "{}");
    assert.match((await claim.next("disconnect")).reasonString ?? "", /^publish_not_authorized/);
    assert.deepEqual(world.reserved.requests, []);
  });

  it("waits its turn behind a few others, and all are served", async () => {
    const world = await TestWorld.start();
    let underWay = 0;
    let most = 0;
    world.reserved.answer = async () => {
      most = Math.max(most, ++underWay);
      await settle();
      underWay--;
    };
    const claim = await world.client("claim:factory");
    for (let sent = 0; sent < 10; sent++) claim.publish(CREATE, "{}", { qos: 1 });
    for (let acknowledged = 0; acknowledged < 10; acknowledged++) await claim.next("puback");
    await claim.ping();
    assert.equal(world.reserved.requests.length, 10);
    assert.equal(most, 4);
  });

  it("that fails with a bug is not answered, and the connection goes on", async () => {
    const world = await TestWorld.start();
    world.reserved.answer = async () => {
      throw new TypeError("bug");
    };
    const claim = await world.client("claim:factory");
    claim.publish(CREATE, "{}", { qos: 1 });
    await claim.next("puback");
    await claim.ping();
  });
});

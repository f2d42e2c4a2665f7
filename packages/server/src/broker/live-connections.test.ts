import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settle, text } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

describe("a change in the store", () => {
  it("ends the connection concerned with its reason, and no other", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    const other = await world.client("device:other");
    world.admission.refused.set("device:lamp", "certificate_revoked");
    world.changes.record("certificate", "device:lamp");
    world.changes.nudge();
    await settle();
    const goodbye = await lamp.next("disconnect");
    assert.equal(goodbye.reasonCode, 0x8a);
    assert.match(goodbye.reasonString ?? "", /^certificate_revoked/);
    assert.ok(world.events.lines.includes("disconnected device:lamp certificate_revoked"));
    await other.ping();
  });

  it("of another process is found by the poll within 250 ms", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp", { version: 4 });
    world.admission.refused.set("device:lamp", "certificate_revoked");
    world.changes.record("thing", "lamp");
    await world.advance(250);
    await lamp.closed;
    assert.deepEqual(lamp.inbox, []);
  });

  it("of a claim ends every connection that uses it", async () => {
    const world = await TestWorld.start();
    const clients = await Promise.all(["1", "2", "3"].map((clientId) => world.client("claim:factory", { clientId })));
    world.admission.refused.set("claim:factory", "claim_disabled");
    world.changes.record("claim", "factory");
    await world.advance(250);
    for (const client of clients) {
      assert.match((await client.next("disconnect")).reasonString ?? "", /^claim_disabled/);
    }
    assert.equal(world.broker.stats().authenticated, 0);
  });

  it("of policies takes effect on publishing, receiving and existing subscriptions of devices", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    await lamp.subscribe("orders", { qos: 0 });
    await lamp.subscribe("news", { qos: 0 });
    world.admission.permissions.set("device:lamp", { subscribe: (filter) => filter === "news" });
    world.changes.record("policies", "");
    await world.advance(250);
    const publisher = await world.client("device:publisher");
    for (const topic of ["orders", "news"]) publisher.publish(topic, "x");
    await publisher.ping();
    assert.deepEqual((await lamp.messages()).map(text), ["news=x"]);
    assert.ok(world.events.lines.includes("refused device:lamp subscribe_not_authorized"));
  });

  it("between the verdict and the registration is not missed", async () => {
    const world = await TestWorld.start();
    world.admission.afterVerdict = async () => {
      world.admission.afterVerdict = async () => {};
      world.admission.refused.set("device:lamp", "certificate_revoked");
      world.changes.record("certificate", "device:lamp");
      // The follower acts on it before the connection can be found.
      await world.broker.catchUp();
    };
    const connack = await world.dial("device:lamp").connect();
    assert.equal(connack.reasonCode, 0x8a);
    assert.equal(world.broker.stats().authenticated, 0);
  });

  it("that was trimmed before anyone read it is made up for: everyone is judged anew", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    const other = await world.client("device:other");
    world.admission.refused.set("device:lamp", "certificate_revoked");
    world.changes.record("certificate", "device:lamp");
    world.changes.record("thing", "unconcerned");
    world.changes.trim(1);
    await world.advance(250);
    assert.equal((await lamp.next("disconnect")).reasonCode, 0x8a);
    await other.ping();
  });

  it("that was trimmed between the verdict and the registration is not missed either", async () => {
    const world = await TestWorld.start();
    world.changes.record("thing", "unconcerned");
    await world.broker.catchUp();
    world.admission.afterVerdict = async () => {
      world.admission.afterVerdict = async () => {};
      world.admission.refused.set("device:lamp", "certificate_revoked");
      world.changes.record("certificate", "device:lamp");
      world.changes.record("thing", "unconcerned");
      world.changes.trim(1);
      await world.broker.catchUp();
    };
    const connack = await world.dial("device:lamp").connect();
    assert.equal(connack.reasonCode, 0x8a);
  });

  it("that concerns others costs a connecting device no second verdict", async () => {
    const world = await TestWorld.start();
    let judged = 0;
    const readmit = world.admission.readmit.bind(world.admission);
    world.admission.readmit = (request) => {
      judged++;
      return readmit(request);
    };
    world.admission.afterVerdict = async () => {
      world.changes.record("certificate", "device:other");
      await world.broker.catchUp();
    };
    await world.client("device:lamp");
    assert.equal(judged, 0);
  });

  it("that cannot be judged ends the connection: nobody vouches for it any more", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    world.admission.readmit = async () => {
      throw new Error("store unreadable");
    };
    world.changes.record("certificate", "device:lamp");
    await world.advance(250);
    assert.match((await lamp.next("disconnect")).reasonString ?? "", /^internal_error/);
  });

  it("of more than one page is followed to the end", async () => {
    const world = await TestWorld.start();
    const lamp = await world.client("device:lamp");
    for (let number = 0; number < 2500; number++) world.changes.record("thing", `thing-${number}`);
    world.admission.refused.set("device:lamp", "certificate_revoked");
    world.changes.record("certificate", "device:lamp");
    await world.advance(250);
    await lamp.next("disconnect");
  });
});

describe("the end of a certificate's validity", () => {
  it("ends the connection within a second, by the wall clock and also after it jumped", async () => {
    for (const jump of [false, true]) {
      const world = await TestWorld.start();
      world.admission.notAfterMs.set("claim:factory", world.clock.now() + 300_000);
      const claim = await world.client("claim:factory");
      await world.advance(1_000);
      await claim.ping();
      if (jump) world.clock.jump(299_000);
      else await world.advance(298_500);
      await world.advance(1_000);
      assert.match((await claim.next("disconnect")).reasonString ?? "", /^claim_expired/);
    }
  });

  it("names the certificate where it is a device's", async () => {
    const world = await TestWorld.start();
    world.admission.notAfterMs.set("device:lamp", world.clock.now() + 1_000);
    const lamp = await world.client("device:lamp");
    await world.advance(1_000);
    assert.match((await lamp.next("disconnect")).reasonString ?? "", /^certificate_expired/);
    assert.ok(world.events.lines.includes("disconnected device:lamp certificate_expired"));
  });
});

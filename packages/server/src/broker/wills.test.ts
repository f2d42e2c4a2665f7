import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Will } from "@fleetmint/mqtt";
import { type TestClient, text } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

const WILL: Will = {
  topic: "status/lamp",
  payload: Buffer.from("gone"),
  qos: 1,
  retain: false,
  delayInterval: 0,
  properties: {},
};

async function watched(): Promise<{ world: TestWorld; watcher: TestClient }> {
  const world = await TestWorld.start();
  const watcher = await world.client("device:watcher", { clientId: "watcher" });
  await watcher.subscribe("status/#", { qos: 0 });
  return { world, watcher };
}

async function seen(watcher: TestClient): Promise<string[]> {
  return (await watcher.messages()).map(text);
}

describe("a will", () => {
  it("is published when the client vanishes, and when its keep-alive runs out", async () => {
    for (const vanish of ["drop", "silence"]) {
      const { world, watcher } = await watched();
      const lamp = await world.client("device:lamp", { will: WILL, keepAlive: 2 });
      assert.deepEqual(await seen(watcher), []);
      if (vanish === "drop") await lamp.drop();
      else await world.advance(3_500);
      assert.deepEqual(await seen(watcher), ["status/lamp=gone"], vanish);
    }
  });

  it("is taken back by DISCONNECT, and not by DISCONNECT with will", async () => {
    for (const [reasonCode, expected] of [
      [0, []],
      [4, ["status/lamp=gone"]],
    ] as const) {
      const { world, watcher } = await watched();
      const lamp = await world.client("device:lamp", { will: WILL });
      lamp.send({ type: "disconnect", reasonCode });
      await lamp.closed;
      assert.deepEqual(await seen(watcher), expected);
    }
  });

  it("waits for its delay, and is not spoken if the client comes back to its session", async () => {
    const { world, watcher } = await watched();
    const options = { clientId: "lamp", clean: false, sessionExpiryInterval: 100 };
    const will = { ...WILL, delayInterval: 10 };
    await (await world.client("device:lamp", { ...options, will })).drop();
    await world.advance(9_000);
    const again = await world.client("device:lamp", { ...options, will });
    await world.advance(9_000);
    assert.deepEqual(await seen(watcher), []);
    await again.drop();
    await world.advance(10_250);
    assert.deepEqual(await seen(watcher), ["status/lamp=gone"]);
  });

  it("waits no longer than its session lives", async () => {
    const { world, watcher } = await watched();
    const will = { ...WILL, delayInterval: 1000 };
    await (await world.client("device:lamp", { will, sessionExpiryInterval: 5 })).drop();
    await world.advance(5_250);
    assert.deepEqual(await seen(watcher), ["status/lamp=gone"]);
  });

  it("is spoken at once when its session is ended by a clean start", async () => {
    const { world, watcher } = await watched();
    const will = { ...WILL, delayInterval: 50 };
    const options = { clientId: "lamp", sessionExpiryInterval: 100 };
    await (await world.client("device:lamp", { ...options, will })).drop();
    await world.client("device:lamp", { ...options, clean: true });
    assert.deepEqual(await seen(watcher), ["status/lamp=gone"]);
  });

  it("of a device whose permission was taken meanwhile is not published", async () => {
    const { world, watcher } = await watched();
    const options = { clientId: "lamp", sessionExpiryInterval: 100, will: { ...WILL, delayInterval: 10 } };
    await (await world.client("device:lamp", options)).drop();
    world.admission.permissions.set("device:lamp", { publish: () => false });
    await world.advance(11_000);
    assert.deepEqual(await seen(watcher), []);
  });

  it("of a revoked device is not published", async () => {
    const { world, watcher } = await watched();
    const lamp = await world.client("device:lamp", { will: WILL });
    world.admission.refused.set("device:lamp", "certificate_revoked");
    world.changes.record("certificate", "device:lamp");
    await world.advance(500);
    await lamp.closed;
    assert.deepEqual(await seen(watcher), []);
  });

  it("may be retained, and then outlives its moment", async () => {
    const { world } = await watched();
    await (await world.client("device:lamp", { will: { ...WILL, retain: true } })).drop();
    const late = await world.client("device:late");
    await late.subscribe("status/#");
    assert.equal(text(await late.next("publish")), "status/lamp=gone");
  });
});

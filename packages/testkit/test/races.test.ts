// What must be exact however many ask at once, and across a restart.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "@fleetmint/server";
import { awsTopics } from "@fleetmint/wire";
import {
  applySimpleTemplate,
  createClaim,
  createFromCsr,
  provision,
  Rejected,
  SimulatedDevice,
  startWorld,
} from "../src/index.ts";

const FAST = { maxPerMinute: 1_000_000, suspendAfterRefusals: 1_000_000 };

describe("at once", () => {
  test("1,000 redemptions of one ownership token make exactly one thing", async () => {
    // Real time: a connection may publish so many a second, and a clock that stands still would never let it go on.
    await using world = await startWorld({ clock: systemClock });
    await applySimpleTemplate(world);
    const claim = await createClaim(world, { ...FAST, maxDevices: 10 });
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId: "one" });
    const { ownershipToken: token } = await createFromCsr(device);
    const topics = awsTopics.registerThing("simple", "json");
    await device.client.subscribe([{ filter: topics.accepted }, { filter: topics.rejected }]);
    const before = device.received.length;
    // Half of them name another thing: whoever comes first decides, and everyone else gets that answer or a refusal.
    const requests = Array.from({ length: 1000 }, (_, i) =>
      device.client.publish({
        topic: topics.request,
        payload: JSON.stringify({ certificateOwnershipToken: token, parameters: { SerialNumber: `race-${i % 2}` } }),
        qos: 1,
      }),
    );
    await Promise.all(requests);
    while (device.received.length < before + 1000) await device.nextMessage(() => true);
    const answers = device.received.slice(before);
    const accepted = answers.filter(({ topic }) => topic === topics.accepted);
    const names = new Set(accepted.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).thingName));
    assert.equal(accepted.length, 500);
    assert.equal(names.size, 1);
    assert.equal((await world.admin.listThings({})).items.length, 1);
    assert.equal((await world.admin.getClaim({ claimId: claim.claimId })).redeemed, 1);
  });

  test("a quota of 100 gives exactly 100 to 500 devices, with a restart in the middle", async () => {
    await using world = await startWorld();
    await applySimpleTemplate(world);
    const claim = await createClaim(world, { ...FAST, maxDevices: 100 });
    const attempt = async (serial: string): Promise<string> => {
      try {
        await provision(world.target, claim, {
          clientId: serial,
          template: "simple",
          parameters: { SerialNumber: serial },
        });
        return "issued";
      } catch (error) {
        return error instanceof Rejected ? (error.reason ?? "unknown") : "cut";
      }
    };
    const serials = Array.from({ length: 500 }, (_, i) => `q${i}`);
    const outcomes = new Map<string, string>();
    let restarted: Promise<void> | undefined;
    const worker = async (queue: string[]): Promise<void> => {
      for (let serial = queue.pop(); serial !== undefined; serial = queue.pop()) {
        if (outcomes.size >= 60 && restarted === undefined) restarted = world.restart();
        await restarted;
        const outcome = await attempt(serial);
        outcomes.set(serial, outcome);
        // A device that was cut off comes back with the same serial number.
        if (outcome === "cut") queue.unshift(serial);
      }
    };
    const queue = [...serials];
    await Promise.all(Array.from({ length: 16 }, () => worker(queue)));
    // Certificates that the restart cut off hold their place for an hour; whoever was told to wait for that comes back then.
    world.clock.advance(3600_000);
    await world.admin.getClaim({ claimId: claim.claimId });
    world.clock.advance(60_000);
    await worker(serials.filter((serial) => outcomes.get(serial) === "claim_pending_limit"));
    const { redeemed } = await world.admin.getClaim({ claimId: claim.claimId });
    let things = 0;
    for (let cursor: string | undefined; ; ) {
      const page = await world.admin.listThings(cursor === undefined ? {} : { cursor });
      things += page.items.length;
      if (page.next === null) break;
      cursor = page.next;
    }
    assert.equal(redeemed, 100);
    assert.equal(things, 100);
    assert.ok(restarted !== undefined);
    // Some lost their answer to the restart and were then told that they exist; nobody beyond the quota was issued anything.
    const refusals = new Set([...outcomes.values()].filter((outcome) => outcome !== "issued"));
    for (const reason of refusals) {
      assert.ok(["claim_quota_exceeded", "claim_pending_limit", "thing_already_provisioned"].includes(reason), reason);
    }
  });
});

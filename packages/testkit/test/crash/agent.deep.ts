// The agent, killed at every system call on its files while it provisions itself from a real server. (Against a scripted one, and
// while it renews, it is the agent package's own test.)
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { items } from "@fleetmint/sdk";
import { systemClock } from "@fleetmint/server";
import { brokenInvariants } from "../../src/crash/aftermath.ts";
import { type AgentPoint, DeviceFolder } from "../../src/crash/doomed-agent.ts";
import { inParallel } from "../../src/crash/in-parallel.ts";
import { whyNoStrace } from "../../src/crash/strace.ts";
import { applySimpleTemplate, createClaim, startWorld, type TestClaim, type World } from "../../src/index.ts";

const CALLS = ["fsync", "write", "rename", "openat", "unlink", "link", "mkdir"];
/** Far more than any call has; an enumeration that goes on and on is a fault of its own. */
const MOST_OCCURRENCES = 60;
const UNLIMITED = { maxDevices: 1000, maxPerMinute: 1_000_000, suspendAfterRefusals: 1_000_000 };

// On each test, because a skipped suite is not counted among the skips.
const skip = whyNoStrace();

describe("the agent against a real server", () => {
  let world: World;
  let claim: TestClaim;

  before(async () => {
    if (skip !== false) return;
    world = await startWorld({ clock: systemClock });
    await applySimpleTemplate(world);
    claim = await createClaim(world, UNLIMITED);
  });
  after(() => world?.close());

  test("killed at each system call on its files, it ends with exactly one identity", { skip }, async (t) => {
    const began = performance.now();
    let reached = 0;
    await inParallel(CALLS, async (call) => {
      for (let occurrence = 1; occurrence <= MOST_OCCURRENCES; occurrence++) {
        if (!(await killedAt({ call, occurrence }))) return;
        reached += 1;
      }
    });
    t.diagnostic(`${reached} crash points in ${Math.round(performance.now() - began)} ms`);
    assert.ok(reached >= 40, `only ${reached} crash points were reached`);
  });

  test("the server knows each of these devices, and counted it, exactly once", { skip }, async () => {
    let things = 0;
    for await (const { certificates } of items(world.admin.listThings, {})) {
      things += 1;
      assert.equal(certificates.filter(({ status }) => status === "ACTIVE").length, 1);
    }
    assert.equal((await world.admin.getClaim({ claimId: claim.claimId })).redeemed, things);
    assert.deepEqual(brokenInvariants(world.folder), []);
  });

  /** One device that dies and is started again; false when the call was never made so often. */
  async function killedAt(point: AgentPoint): Promise<boolean> {
    const at = `${point.call}-${point.occurrence}`;
    using device = new DeviceFolder({ target: world.target, claim, template: "simple", serialNumber: at });
    const doomed = await device.provisionDoomed(point);
    // Neither a broken bundle nor nothing at all: state() throws, and without an identity the claim must be there.
    const { current } = device.state();
    assert.ok(current !== undefined || device.hasClaim, `${at}: neither identity nor claim is left`);
    if (current !== undefined) assert.deepEqual(await activeCertificates(at), [current.certificateId], at);
    const next = await device.provision();
    assert.equal(next.code, 0, `${at}: ${next.output}`);
    const settled = device.state();
    assert.deepEqual(await activeCertificates(at), [settled.current?.certificateId], at);
    assert.equal(settled.pending, undefined, at);
    assert.deepEqual(device.leftovers(), [], at);
    return doomed.signal === "SIGKILL";
  }

  async function activeCertificates(serial: string): Promise<string[]> {
    const { certificates } = await world.admin.getThing({ thingName: `dev-${serial}` });
    return certificates.filter(({ status }) => status === "ACTIVE").map(({ certificateId }) => certificateId);
  }
});

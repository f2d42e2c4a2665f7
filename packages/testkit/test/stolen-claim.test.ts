// A claim in wrong hands: each way of misusing it is refused with its own reason, is visible in the claim's audit, and in the end
// suspends the claim; a normal day raises nothing.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  applySimpleTemplate,
  ConnectRefused,
  createClaim,
  createFromCsr,
  provision,
  Rejected,
  SimulatedDevice,
  startWorld,
  type TestClaim,
  type World,
} from "../src/index.ts";

const reasonOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt;
    return "issued";
  } catch (error) {
    if (error instanceof Rejected) return error.reason ?? error.message;
    if (error instanceof ConnectRefused)
      return /\b[a-z]+(?:_[a-z]+)+\b/.exec(error.connack.reasonString ?? "")?.[0] ?? error.message;
    throw error;
  }
};

const tryAs = (world: World, claim: TestClaim, serial: string, template = "simple"): Promise<string> =>
  reasonOf(
    provision(world.target, claim, {
      clientId: `client-${serial}`.replace("*", "star"),
      template,
      parameters: { SerialNumber: serial },
    }),
  );

describe("a stolen claim", () => {
  test("cannot take an active serial, an unlisted one, a wildcard, or one more than its quota", async () => {
    await using world = await startWorld();
    await applySimpleTemplate(world);
    const serials = ["A1", "A2", "A3", "A4", "A5"];
    const claim = await createClaim(world, { guard: { kind: "serials", serials }, maxDevices: 4 });
    assert.equal(await tryAs(world, claim, "A1"), "issued");
    assert.equal(await tryAs(world, claim, "A1"), "thing_already_provisioned");
    assert.equal(await tryAs(world, claim, "B7"), "serial_not_expected");
    assert.equal(await tryAs(world, claim, "*"), "parameter_invalid");
    assert.equal(await tryAs(world, claim, ""), "serial_missing");
    // What was refused left certificates that nobody redeemed; they end within the hour and make room again.
    assert.equal(await tryAs(world, claim, "A2"), "issued");
    world.clock.advance(3600_000);
    await world.admin.getClaim({ claimId: claim.claimId });
    world.clock.advance(60_000);
    for (const serial of ["A3", "A4"]) assert.equal(await tryAs(world, claim, serial), "issued");
    assert.equal(await tryAs(world, claim, "A5"), "claim_quota_exceeded");

    const audit = await world.admin.auditClaim({ claimId: claim.claimId });
    assert.deepEqual(audit.unknownSerials, ["B7"]);
    assert.deepEqual(audit.duplicateSerials, ["A1"]);
    const refused = audit.refusals.map(({ reason }) => reason);
    for (const reason of [
      "thing_already_provisioned",
      "serial_not_expected",
      "parameter_invalid",
      "claim_quota_exceeded",
    ] as const) {
      assert.ok(refused.includes(reason), reason);
    }
    assert.ok(audit.findings.some(({ severity }) => severity === "alarm"));
    assert.equal(audit.quotaUsed, 1);
  });

  test("cannot use another template: the topic is not open to it, and its engine refuses too", async () => {
    await using world = await startWorld();
    await applySimpleTemplate(world);
    await applySimpleTemplate(world, "elsewhere");
    const claim = await createClaim(world);
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId: "wanderer" });
    const { ownershipToken } = await createFromCsr(device);
    await assert.rejects(
      device.client.publish({
        topic: "$aws/provisioning-templates/elsewhere/provision/json",
        payload: JSON.stringify({ certificateOwnershipToken: ownershipToken, parameters: { SerialNumber: "X" } }),
        qos: 1,
      }),
    );
    const ended = await device.client.closed;
    assert.match(JSON.stringify(ended), /publish_not_authorized/);
    const { things } = { things: (await world.admin.listThings({})).items };
    assert.deepEqual(things, []);
  });

  test("works only from its networks", async () => {
    await using world = await startWorld();
    await applySimpleTemplate(world);
    const claim = await createClaim(world, { networks: ["192.0.2.0/24"] });
    assert.equal(await tryAs(world, claim, "F1"), "claim_network_refused");
    const audit = await world.admin.auditClaim({ claimId: claim.claimId });
    assert.ok(audit.refusals.some(({ reason }) => reason === "claim_network_refused"));
  });

  test("is suspended by a burst of refusals, and an operator can resume it", async () => {
    await using world = await startWorld();
    await applySimpleTemplate(world);
    const claim = await createClaim(world, { guard: { kind: "serials", serials: ["A1"] }, suspendAfterRefusals: 5 });
    for (let i = 0; i < 5; i++) assert.equal(await tryAs(world, claim, `guess-${i}`), "serial_not_expected");
    assert.equal((await world.admin.getClaim({ claimId: claim.claimId })).status, "suspended");
    assert.equal(await tryAs(world, claim, "A1"), "claim_suspended");
    const events = (await world.admin.listEvents({})).items;
    assert.ok(events.some(({ kind, claimId }) => kind === "claim.suspended" && claimId === claim.claimId));
    await world.admin.resumeClaim({ claimId: claim.claimId });
    assert.equal(await tryAs(world, claim, "A1"), "issued");
  });

  test("cannot provision faster than its passport allows", async () => {
    await using world = await startWorld();
    await applySimpleTemplate(world);
    const claim = await createClaim(world, { maxPerMinute: 3 });
    for (let i = 0; i < 3; i++) assert.equal(await tryAs(world, claim, `S${i}`), "issued");
    assert.equal(await tryAs(world, claim, "S3"), "claim_rate_exceeded");
    world.clock.advance(60_000);
    assert.equal(await tryAs(world, claim, "S3"), "issued");
  });

  test("a normal factory day raises nothing", async () => {
    await using world = await startWorld();
    await applySimpleTemplate(world);
    const serials = Array.from({ length: 120 }, (_, i) => `D${i}`);
    const claim = await createClaim(world, {
      guard: { kind: "serials", serials },
      maxDevices: 150,
      validForSeconds: 90 * 24 * 3600,
      networks: ["127.0.0.0/8"],
    });
    for (const serial of serials) {
      assert.equal(await tryAs(world, claim, serial), "issued");
      world.clock.advance(4 * 60_000);
    }
    const audit = await world.admin.auditClaim({ claimId: claim.claimId });
    assert.deepEqual(
      audit.findings.map(({ severity }) => severity),
      ["ok"],
    );
    assert.equal(audit.expectedProvisioned, 120);
    const events = (await world.admin.listEvents({})).items.filter(({ kind }) => kind !== "claim.network");
    assert.deepEqual(events, []);
  });
});

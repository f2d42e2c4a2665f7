// A device renews itself with the identity it has; the old one stays until the new one has connected.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { checkInvariants } from "@fleetmint/server";
import { fleetmintTopics } from "@fleetmint/wire";
import {
  applySimpleTemplate,
  ConnectRefused,
  createClaim,
  createFromCsr,
  type ObtainedCertificate,
  provision,
  Rejected,
  registerThing,
  SimulatedDevice,
  startWorld,
  type TestClaim,
  type World,
} from "../src/index.ts";

describe("renewal", () => {
  let world: World;
  let claim: TestClaim;

  before(async () => {
    world = await startWorld();
    await applySimpleTemplate(world);
    claim = await createClaim(world);
  });
  after(() => world.close());

  const born = (serial: string) =>
    provision(world.target, claim, { clientId: serial, template: "simple", parameters: { SerialNumber: serial } });
  const connect = (identity: ObtainedCertificate, name: string) =>
    SimulatedDevice.connect(world.target, identity, { clientId: name });
  const activate = (device: SimulatedDevice, token: string) =>
    device.request(fleetmintTopics.renew("json"), "json", { certificateOwnershipToken: token });
  const statuses = async (thingName: string) => {
    const { certificates } = await world.admin.getThing({ thingName });
    return new Map(certificates.map(({ certificateId, status }) => [certificateId, status]));
  };

  test("the renewed certificate takes over when it connects, and not before", async () => {
    const old = await born("r1");
    await using device = await connect(old, "dev-r1");
    const renewed = await createFromCsr(device);
    await assert.rejects(connect(renewed, "dev-r1"), ConnectRefused, "it waits for its token");
    assert.deepEqual(await activate(device, renewed.ownershipToken), { thingName: "dev-r1" });
    assert.deepEqual(await activate(device, renewed.ownershipToken), { thingName: "dev-r1" }, "a retry is free");
    assert.equal((await statuses("dev-r1")).get(old.certificateId), "ACTIVE");

    await using next = await connect(renewed, "dev-r1");
    const { reasonCode } = await next.client.publish({ topic: "devices/dev-r1/state", payload: "on", qos: 1 });
    assert.ok(reasonCode < 0x80, "what the thing may do is what it could do before");
    const after = await statuses("dev-r1");
    assert.equal(after.get(renewed.certificateId), "ACTIVE");
    assert.equal(after.get(old.certificateId), "REVOKED");
    await assert.rejects(connect(old, "dev-r1"), ConnectRefused);
  });

  test("renewals count against no quota, and the device stays in its claim's blast radius", async () => {
    const small = await createClaim(world, { maxDevices: 1 });
    const old = await provision(world.target, small, {
      clientId: "r2",
      template: "simple",
      parameters: { SerialNumber: "r2" },
    });
    await using device = await connect(old, "dev-r2");
    const renewed = await createFromCsr(device);
    await activate(device, renewed.ownershipToken);
    await using _next = await connect(renewed, "dev-r2");
    const { redeemed, pending } = await world.admin.getClaim({ claimId: small.claimId });
    assert.deepEqual({ redeemed, pending }, { redeemed: 1, pending: 0 });
    const born = await world.admin.listClaimDevices({ claimId: small.claimId });
    assert.deepEqual(
      born.items.map(({ thingName }) => thingName),
      ["dev-r2"],
    );
    await world.admin.quarantineClaim({ claimId: small.claimId, quarantined: true });
    await using quarantined = await connect(renewed, "dev-r2");
    await assert.rejects(quarantined.client.publish({ topic: "devices/dev-r2/state", payload: "", qos: 1 }));
  });

  test("nobody redeems another's renewal: neither another device nor a claim", async () => {
    const [one, two] = [await born("r3"), await born("r4")];
    await using device = await connect(one, "dev-r3");
    await using other = await connect(two, "dev-r4");
    const { ownershipToken: token } = await createFromCsr(device);
    const refusedWith = (reason: string) => (error: unknown) => error instanceof Rejected && error.reason === reason;
    await assert.rejects(activate(other, token), refusedWith("token_principal_mismatch"));
    await using thief = await SimulatedDevice.connect(world.target, claim, { clientId: "thief" });
    await assert.rejects(
      registerThing(thief, { template: "simple", token, parameters: { SerialNumber: "r3" } }),
      refusedWith("token_unknown"),
    );
  });

  test("a device that asks without end is stopped", async () => {
    const identity = await born("r5");
    await using device = await connect(identity, "dev-r5");
    for (let i = 0; i < 10; i++) await createFromCsr(device);
    await assert.rejects(
      createFromCsr(device),
      (error) => error instanceof Rejected && error.reason === "claim_rate_exceeded",
    );
  });

  test("leaves a store whose invariants hold", async () => {
    await world.server.close();
    assert.deepEqual(checkInvariants(join(world.folder, "fleetmint.db")), []);
  });
});

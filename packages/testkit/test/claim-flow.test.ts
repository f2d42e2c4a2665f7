// What a claim can do, and what it cannot: tokens, retries, ownership, answers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { awsTopics } from "@fleetmint/wire";
import {
  applySimpleTemplate,
  ConnectRefused,
  createClaim,
  createFromCsr,
  createKeys,
  provision,
  Rejected,
  registerThing,
  SimulatedDevice,
  startWorld,
  type TestClaim,
  type World,
} from "../src/index.ts";

describe("the claim flow", () => {
  let world: World;
  let claim: TestClaim;

  before(async () => {
    world = await startWorld();
    await applySimpleTemplate(world);
    claim = await createClaim(world);
  });
  after(() => world.close());

  const connect = (clientId: string) => SimulatedDevice.connect(world.target, claim, { clientId });
  const rejectedWith = (reason: string) => (error: unknown) => {
    assert.ok(error instanceof Rejected, String(error));
    assert.equal(error.reason, reason);
    return true;
  };

  test("a retry with the same token and parameters gets the same answer, and counts once", async () => {
    await using device = await connect("retry");
    const certificate = await createFromCsr(device);
    const request = { template: "simple", token: certificate.ownershipToken, parameters: { SerialNumber: "retry" } };
    const first = await registerThing(device, request);
    const { redeemed } = await world.admin.getClaim({ claimId: claim.claimId });
    assert.deepEqual(await registerThing(device, request), first);
    // The same parameters in another encoding are the same parameters.
    assert.deepEqual(await registerThing(device, { ...request, format: "cbor" }), first);
    assert.equal((await world.admin.getClaim({ claimId: claim.claimId })).redeemed, redeemed);
  });

  test("the same token with other parameters is refused", async () => {
    await using device = await connect("other");
    const { ownershipToken: token } = await createFromCsr(device);
    await registerThing(device, { template: "simple", token, parameters: { SerialNumber: "other-1" } });
    await assert.rejects(
      registerThing(device, { template: "simple", token, parameters: { SerialNumber: "other-2" } }),
      rejectedWith("token_already_used"),
    );
  });

  test("a reconnect may redeem, another client id may not", async () => {
    const first = await connect("moved");
    const { ownershipToken: token } = await createFromCsr(first);
    await first.client.disconnect();
    await using stranger = await connect("stranger");
    const request = { template: "simple", token, parameters: { SerialNumber: "moved" } };
    await assert.rejects(registerThing(stranger, request), rejectedWith("token_principal_mismatch"));
    await using again = await connect("moved");
    assert.equal((await registerThing(again, request)).thingName, "dev-moved");
  });

  test("a token ends after an hour", async () => {
    const device = await connect("late");
    const { ownershipToken: token } = await createFromCsr(device);
    await device.client.disconnect();
    world.clock.advance(3600_000);
    await using again = await connect("late");
    await assert.rejects(
      registerThing(again, { template: "simple", token, parameters: { SerialNumber: "late" } }),
      rejectedWith("token_expired"),
    );
  });

  test("a thing with an active certificate is not provisioned again", async () => {
    const request = { template: "simple", parameters: { SerialNumber: "taken" } };
    await provision(world.target, claim, { clientId: "taken", ...request });
    await assert.rejects(
      provision(world.target, claim, { clientId: "thief", ...request }),
      rejectedWith("thing_already_provisioned"),
    );
  });

  test("an operator releases a thing, and its old certificate ends with the new one", async () => {
    await applySimpleTemplate(world, "replaceable", { existingThing: "replace" });
    const replaceable = await createClaim(world, { templates: ["replaceable"] });
    const request = { template: "replaceable", parameters: { SerialNumber: "reset" } };
    const old = await provision(world.target, replaceable, { clientId: "reset", ...request });
    await assert.rejects(
      provision(world.target, replaceable, { clientId: "reset", ...request }),
      rejectedWith("thing_already_provisioned"),
    );
    await world.admin.releaseThing({ thingName: "dev-reset" });
    const fresh = await provision(world.target, replaceable, { clientId: "reset", ...request });
    const { certificates } = await world.admin.getThing({ thingName: "dev-reset" });
    const statusOf = (id: string) => certificates.find(({ certificateId }) => certificateId === id)?.status;
    assert.equal(statusOf(fresh.certificateId), "ACTIVE");
    assert.notEqual(statusOf(old.certificateId), "ACTIVE");
    await assert.rejects(
      SimulatedDevice.connect(world.target, old, { clientId: "dev-reset" }),
      (error: unknown) => error instanceof ConnectRefused,
    );
    await assert.rejects(
      provision(world.target, replaceable, { clientId: "reset", ...request }),
      rejectedWith("thing_already_provisioned"),
      "a release is good for one provisioning",
    );
  });

  test("RSA keys come from the pool where a client asks", async () => {
    await using device = await connect("rsa");
    const made = await createKeys(device, "json", { keyAlgorithm: "RSA_2048" });
    assert.match(made.privateKeyPem, /BEGIN PRIVATE KEY/);
    const registered = await registerThing(device, {
      template: "simple",
      token: made.ownershipToken,
      parameters: { SerialNumber: "rsa" },
    });
    await using own = await SimulatedDevice.connect(world.target, made, { clientId: registered.thingName! });
    assert.equal(own.connack.reasonCode, 0);
  });

  test("clients that subscribe to wildcards under a topic get their answers", async () => {
    await using device = await connect("greengrass");
    const topics = awsTopics.createKeys("json");
    await device.client.subscribe([{ filter: `${topics.request}/+` }]);
    const answer = await device.requestSubscribed(topics, "json", {});
    assert.match(answer["certificateId"] as string, /^[0-9a-f]{64}$/);
  });

  test("an attempt tells its story: every step, and what was written", async () => {
    await provision(world.target, claim, {
      clientId: "story",
      template: "simple",
      parameters: { SerialNumber: "story" },
    });
    const { items } = await world.admin.listAttempts({});
    const attempt = await world.admin.getAttempt({ attemptId: items.find(({ clientId }) => clientId === "story")!.id });
    assert.deepEqual(
      attempt.steps.map(({ step, verdict }) => `${step} ${verdict}`),
      ["claim ok", "csr ok", "issue ok", "claim ok", "template ok", "parameters ok", "evaluate ok"],
    );
    assert.ok(attempt.written.some((line) => line.includes("dev-story")));
  });
});

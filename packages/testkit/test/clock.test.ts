// What a server makes of its own clock being moved (security.md T20).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  applySimpleTemplate,
  createClaim,
  createFromCsr,
  Rejected,
  registerThing,
  SimulatedDevice,
  startWorld,
} from "../src/index.ts";

const MINUTE_MS = 60_000;

function refusedFor(reason: string) {
  return (error: unknown): boolean => error instanceof Rejected && error.reason === reason;
}

test("setting the clock back does not let an ownership token live longer than its hour", async () => {
  await using world = await startWorld();
  await applySimpleTemplate(world);
  const claim = await createClaim(world);
  const redeem = async (clientId: string, token: string) => {
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId });
    return await registerThing(device, { template: "simple", token, parameters: { SerialNumber: clientId } });
  };
  const request = async (clientId: string): Promise<string> => {
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId });
    return (await createFromCsr(device)).ownershipToken;
  };
  const [early, late] = [await request("early"), await request("late")];
  world.clock.advance(50 * MINUTE_MS);
  world.clock.jump(-40 * MINUTE_MS);
  assert.equal((await redeem("early", early)).thingName, "dev-early");
  world.clock.advance(10 * MINUTE_MS);
  await assert.rejects(redeem("late", late), refusedFor("token_expired"), "20 minutes old by the wall clock alone");
});

test("a restart does not make a server forget when it last issued, and an operator can say that the clock is right", async () => {
  await using world = await startWorld();
  await applySimpleTemplate(world);
  world.clock.jump(2 * 60 * MINUTE_MS);
  const ahead = await createClaim(world);
  world.clock.jump(-2 * 60 * MINUTE_MS);
  await world.restart();
  await assert.rejects(createClaim(world), { code: "clock_set_back" });
  await world.restart({ acceptClock: true });
  assert.notEqual((await createClaim(world)).certificateId, ahead.certificateId);
  await world.restart();
  await createClaim(world);
});

// A hook that cannot be used any more is its own template's trouble, not the server's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { applySimpleTemplate, createClaim, provision, Rejected, startWorld } from "../src/index.ts";

test("a server starts although a webhook's network is closed to it now, and denies that template's devices", async () => {
  const settings = { hookNetworks: ["10.0.0.0/8"] };
  await using world = await startWorld({ settings });
  await applySimpleTemplate(world);
  await applySimpleTemplate(world, "guarded", { hook: { kind: "webhook", url: "https://10.1.2.3/hook" } });
  const claims = {
    simple: await createClaim(world),
    guarded: await createClaim(world, { templates: ["guarded"], guard: { kind: "hook" } }),
  };
  settings.hookNetworks = [];
  await world.restart();
  const device = (template: "simple" | "guarded") =>
    provision(world.target, claims[template], { clientId: template, template, parameters: { SerialNumber: template } });
  assert.equal((await device("simple")).thingName, "dev-simple");
  await assert.rejects(device("guarded"), (error) => error instanceof Rejected && error.reason === "hook_failed");
});

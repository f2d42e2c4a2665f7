// No device ever sees another's answer; and the check that says so finds the leak where there is one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SCENARIOS, type Scene, startScene } from "./leak-scenarios.ts";

describe("two devices with one claim never see each other's answers", () => {
  let scene: Scene;
  before(async () => {
    scene = await startScene();
  });
  after(() => scene.world.close());

  for (const { name, run } of SCENARIOS) {
    test(name, async () => assert.deepEqual(await run(scene), []));
  }
});

/** What each scenario finds in a server with this mistake. */
async function plant(mutation: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const program = fileURLToPath(new URL("leak-mutant.ts", import.meta.url));
  const environment = { ...process.env, FLEETMINT_MUTATION: mutation };
  const child = await promisify(execFile)(process.execPath, [...process.execArgv, program], { env: environment });
  return JSON.parse(child.stdout) as Record<string, readonly string[]>;
}

describe("the same check reports a leak", { concurrency: 2 }, () => {
  test("where answers are published to the whole broker", async () => {
    const found = await plant("broker-wide-publish");
    for (const [name, leaks] of Object.entries(found)) {
      if (name.startsWith("different client ids")) assert.notDeepEqual(leaks, [], name);
    }
  });

  test("where a claim has a stored session", async () => {
    const found = await plant("shared-claim-session");
    for (const [name, leaks] of Object.entries(found)) {
      const isRestored = name.startsWith("the same client id") && name.includes("persistent");
      if (isRestored) assert.notDeepEqual(leaks, [], name);
    }
  });
});

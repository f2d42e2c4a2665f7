// The README's device, as it stands there, against a real server: what a newcomer copies must work.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "@fleetmint/server";
import { createClaim, startWorld } from "@fleetmint/testkit";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

test("the README's AWS SDK device provisions and publishes, with the demo's template and policy", async (t) => {
  await using world = await startWorld({ clock: systemClock });
  const folder = mkdtempSync(join(tmpdir(), "fleetmint-readme-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await world.admin.applyPolicy({ policyName: "camera", document: read("tools/demo/camera.policy.json") });
  await world.admin.applyTemplate({ templateName: "camera", body: read("tools/demo/camera.template.json") });
  const claim = await createClaim(world, { templates: ["camera"] });
  writeFileSync(join(folder, "claim.cert.pem"), claim.certificatePem);
  writeFileSync(join(folder, "claim.key.pem"), claim.privateKeyPem, { mode: 0o600 });
  writeFileSync(join(folder, "ca.pem"), world.target.caPem);
  writeFileSync(join(folder, "device.mjs"), snippetOf(read("README.md")));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));

  const args = ["device.mjs", folder, "CAM-0042", String(world.target.port)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 60_000 });

  assert.match(stdout, /^camera-CAM-0042 is online with certificate [0-9a-f]{64}$/m);
  const thing = await world.admin.getThing({ thingName: "camera-CAM-0042" });
  assert.deepEqual(thing.attributes, { serial: "CAM-0042", site: "unassigned" });
});

function snippetOf(readme: string): string {
  const snippets = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!);
  assert.equal(snippets.length, 1, "the README has one JavaScript snippet");
  return snippets[0]!;
}

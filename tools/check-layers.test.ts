import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { breachesOf, checkLayers } from "./check-layers.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

test("every folder imports only what its row of the layer table names", () => {
  assert.deepEqual(checkLayers(root), []);
});

test("a planted breach is caught and named", () => {
  const planted = 'import { awsRejection } from "../fronts/aws-mqtt/rejections.ts";\n';
  assert.deepEqual(breachesOf("packages/server/src/ca/planted.ts", planted), [
    "packages/server/src/ca/planted.ts: ca must not import fronts/aws-mqtt/rejections.ts (../fronts/aws-mqtt/rejections.ts)",
  ]);
  assert.equal(breachesOf("packages/agent/src/planted.ts", 'export * from "@fleetmint/server";').length, 1);
  assert.equal(breachesOf("packages/server/src/enrollment/planted.ts", 'await import("../store/store.ts");').length, 1);
  assert.deepEqual(breachesOf("packages/server/src/ca/fine.ts", 'import { Fault } from "../kit/fault.ts";'), []);
});

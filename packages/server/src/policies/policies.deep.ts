import assert from "node:assert/strict";
import { test } from "node:test";
import { compareWithReference } from "./testing/compare.ts";

test("a million random decisions agree with a reference written independently", () => {
  const seen = compareWithReference(2, 1_000_000);
  for (const [verdict, times] of Object.entries(seen))
    assert.ok(times > 50_000, `${verdict} came up only ${times} times`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { compareWithReference } from "./testing/compare.ts";

test("100,000 random decisions agree with a reference written independently", () => {
  const seen = compareWithReference(1, 100_000);
  for (const [verdict, times] of Object.entries(seen))
    assert.ok(times > 5_000, `${verdict} came up only ${times} times`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { stalePages } from "./docs.ts";

test("the generated reference pages say what the code says", () => {
  assert.deepEqual(stalePages(), []);
});

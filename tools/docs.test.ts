import assert from "node:assert/strict";
import { test } from "node:test";
import { stalePages } from "./docs.ts";

test("the generated reference pages say what the code says", async () => {
  assert.deepEqual([...(await stalePages()).keys()], [], "run `npm run docs`");
});

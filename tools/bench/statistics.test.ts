import assert from "node:assert/strict";
import { test } from "node:test";
import { median, percentile } from "./statistics.ts";

test("a percentile is a value that was measured, by nearest rank", () => {
  const values = [50, 15, 35, 20, 40];
  assert.equal(percentile(values, 5), 15);
  assert.equal(percentile(values, 30), 20);
  assert.equal(percentile(values, 99), 50);
  assert.equal(median(values), 35);
  assert.equal(median([1, 2, 3, 4]), 2);
});

test("of no measurement there is no percentile", () => {
  assert.equal(percentile([], 99), Number.NaN);
});

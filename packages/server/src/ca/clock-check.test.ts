import assert from "node:assert/strict";
import { test } from "node:test";
import { createClockCheck } from "./clock-check.ts";

const MINUTE_MS = 60_000;
const NOW = Date.UTC(2026, 5, 1);

test("a clock that went back by more than five minutes since the last issuance is refused with both times", () => {
  const check = createClockCheck(NOW);
  check(NOW - 5 * MINUTE_MS);
  assert.throws(() => check(NOW - 5 * MINUTE_MS - 1), {
    code: "clock_set_back",
    message: /2026-05-31T23:5.*2026-06-01T00:00/,
  });
  check(NOW + 1);
});

test("small steps back do not add up, and a jump ahead is remembered", () => {
  const check = createClockCheck(0);
  check(NOW);
  check(NOW - 4 * MINUTE_MS);
  assert.throws(() => check(NOW - 8 * MINUTE_MS), { code: "clock_set_back" });
  check(NOW + 400 * 24 * 60 * MINUTE_MS);
  assert.throws(() => check(NOW), { code: "clock_set_back" });
});

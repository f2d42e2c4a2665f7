import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { createTokenDeadlines } from "./token-deadlines.ts";

const HOUR_MS = 3600_000;

test("a token ends an hour after it was made, wherever the wall clock is set meanwhile", () => {
  const clock = new ManualClock();
  const deadlines = createTokenDeadlines(clock);
  deadlines.begin("a");
  clock.advance(HOUR_MS - 1);
  clock.jump(-HOUR_MS / 2);
  assert.equal(deadlines.hasPassed("a"), false);
  clock.advance(1);
  assert.equal(deadlines.hasPassed("a"), true);
  clock.advance(48 * HOUR_MS);
  deadlines.begin("b");
  assert.equal(deadlines.hasPassed("a"), true, "and stays ended");
  assert.equal(deadlines.hasPassed("b"), false);
});

test("a token of before a restart is left to the wall clock, and the oldest are forgotten first", () => {
  const clock = new ManualClock();
  const deadlines = createTokenDeadlines(clock);
  assert.equal(deadlines.hasPassed("unknown"), false);
  for (let made = 0; made <= 20_000; made++) deadlines.begin(`token-${made}`);
  clock.advance(HOUR_MS);
  assert.equal(deadlines.hasPassed("token-0"), false);
  assert.equal(deadlines.hasPassed("token-1"), true);
});

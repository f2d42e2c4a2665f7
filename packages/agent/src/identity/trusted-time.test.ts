import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { RELEASED_MS, TrustedTime } from "./trusted-time.ts";

const DAY_MS = 86_400_000;

test("a clock that reads 1970 is behind, and time goes on from what is proved", () => {
  const clock = new ManualClock(0);
  const time = new TrustedTime(clock);
  assert.equal(time.clockIsBehind(), true);
  assert.equal(time.now(), RELEASED_MS);
  time.raise(RELEASED_MS + DAY_MS);
  clock.advance(1000);
  assert.equal(time.now(), RELEASED_MS + DAY_MS + 1000);
  assert.equal(time.provedMs(), RELEASED_MS + DAY_MS, "what is stored is what was proved, without the clock's share");
});

test("a clock that is right is believed, and an older proof changes nothing", () => {
  const clock = new ManualClock(RELEASED_MS + 10 * DAY_MS);
  const time = new TrustedTime(clock, RELEASED_MS + 9 * DAY_MS);
  time.raise(RELEASED_MS);
  assert.equal(time.clockIsBehind(), false);
  assert.equal(time.now(), RELEASED_MS + 10 * DAY_MS);
  assert.equal(time.provedMs(), RELEASED_MS + 9 * DAY_MS);
});

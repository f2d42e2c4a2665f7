import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { AgentFault, type FaultKind } from "../agent-fault.ts";
import { backOff, retry } from "./retry.ts";

const fault = (kind: FaultKind) => new AgentFault({ kind, reason: "r", message: "m", at: "a", fix: "f" });
/** Half of every delay. */
const random = { bytes: () => Uint8Array.of(0x80, 0, 0, 0) };

function world(withinMs: number) {
  const clock = new ManualClock();
  const delays: number[] = [];
  const stop = new AbortController();
  const onWait = (_fault: AgentFault, delayMs: number) => {
    delays.push(delayMs);
    setImmediate(() => clock.advance(delayMs));
  };
  const run = (attempt: () => Promise<string>) =>
    retry({ clock, random }, { withinMs, signal: stop.signal, onWait }, attempt);
  return { run, delays, stop };
}

test("delays double up to a minute, with full jitter, until the deadline; then the last fault is thrown", async () => {
  const { run, delays } = world(120_000);
  await assert.rejects(
    run(() => Promise.reject(fault("temporary"))),
    { kind: "temporary" },
  );
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(backOff(50, 0.999), 59_940);
});

test("what time does not mend is thrown at once, and so is a bug", async () => {
  for (const error of [fault("refused"), fault("usage"), new TypeError("a bug")]) {
    const { run, delays } = world(120_000);
    await assert.rejects(
      run(() => Promise.reject(error)),
      error,
    );
    assert.deepEqual(delays, []);
  }
});

test("a success ends the tries, and a signal ends the waiting", async () => {
  const { run, delays } = world(120_000);
  let failures = 2;
  assert.equal(await run(async () => (failures-- > 0 ? Promise.reject(fault("temporary")) : "done")), "done");
  assert.equal(delays.length, 2);
  const other = world(120_000);
  await assert.rejects(
    other.run(() => {
      other.stop.abort();
      return Promise.reject(fault("temporary"));
    }),
    { kind: "temporary" },
  );
});

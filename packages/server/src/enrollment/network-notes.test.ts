import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import type { ClaimId } from "../vocabulary/ids.ts";
import { createNetworkNotes } from "./network-notes.ts";
import type { EventStore } from "./ports.ts";

const CLAIM = "claim-1" as ClaimId;
const START_MS = Date.UTC(2026, 5, 1);
const device = (remoteAddress: string) => ({ clientId: "lamp", remoteAddress });

describe("networks that a claim is used from", () => {
  it("tells of a network once, and waits until it is on record", async () => {
    const { notes, events, writes } = world();
    await notes.note(CLAIM, device("192.0.2.7"));
    await notes.note(CLAIM, device("192.0.2.8"));
    assert.deepEqual(events, ["The claim is used from 192.0.2.0/24 for the first time."]);
    assert.deepEqual(writes, [1, 1]);
  });

  it("counts uses that come during a write with one write", async () => {
    const { notes, writes, hold } = world();
    await notes.note(CLAIM, device("192.0.2.7"));
    const letGo = hold();
    for (let use = 0; use < 5; use++) await notes.note(CLAIM, device("192.0.2.7"));
    assert.deepEqual(writes, [1, 1]);
    await letGo();
    assert.deepEqual(writes, [1, 1, 4]);
  });

  it("waits for the store again after a count could not be written", async () => {
    const { notes, failWith } = world();
    await notes.note(CLAIM, device("192.0.2.7"));
    failWith(new Error("disk full"));
    await notes.note(CLAIM, device("192.0.2.7"));
    await new Promise(setImmediate);
    await assert.rejects(notes.note(CLAIM, device("192.0.2.7")), /disk full/);
  });
});

/** A store that remembers how many uses each write counted, and that can be slow or broken. */
function world() {
  const events: string[] = [];
  const writes: number[] = [];
  const known = new Set<string>();
  let failure: Error | undefined;
  let gate = Promise.resolve();
  const saveEvent = async (event: Parameters<EventStore["saveEvent"]>[0]) => void events.push(event.message);
  const store = {
    async noteClaimNetwork(_claimId: ClaimId, network: string, _atMs: number, times = 1) {
      if (failure !== undefined) throw failure;
      writes.push(times);
      await gate;
      const isNew = !known.has(network);
      known.add(network);
      return isNew;
    },
    saveEvent,
  } as unknown as Parameters<typeof createNetworkNotes>[0]["store"];
  return {
    notes: createNetworkNotes({ clock: new ManualClock(START_MS), store }),
    events,
    writes,
    failWith: (error: Error) => {
      failure = error;
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return async () => {
        resolve();
        await new Promise(setImmediate);
      };
    },
  };
}

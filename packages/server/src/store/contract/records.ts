import assert from "node:assert/strict";
import { it } from "node:test";
import { leafHash } from "../../audit/leaf.ts";
import type { AccountId } from "../../vocabulary/ids.ts";
import { attemptId, CLAIM, Fixture, type MakeStore, thingName } from "./fixture.ts";
import { refused } from "./refused.ts";

export function recordContract(make: MakeStore): void {
  it("keeps attempts, replaces one of the same id, and lists them newest first by filter", async () => {
    const fixture = await Fixture.ready(make);
    const denied = fixture.attempt({ outcome: "denied", reason: "hook_denied", message: "No." });
    const stranger = fixture.attempt({
      principal: { kind: "device", id: "x" },
      outcome: "denied",
      reason: "token_unknown",
    });
    const issued = fixture.attempt({ outcome: "issued", thingName: thingName("lamp") });
    for (const attempt of [denied, stranger, issued]) await fixture.store.saveAttempt(attempt);
    assert.deepEqual(await fixture.store.attempt(denied.id), denied);
    assert.equal(await fixture.store.attempt(attemptId("none")), undefined);
    const list = async (filter: object) =>
      (await fixture.store.attempts({ limit: 10, cursor: undefined, ...filter })).items.map((attempt) => attempt.id);
    assert.deepEqual(await list({}), [issued.id, stranger.id, denied.id]);
    assert.deepEqual(await list({ claimId: CLAIM }), [issued.id, denied.id]);
    assert.deepEqual(await list({ outcome: "denied" }), [stranger.id, denied.id]);
    assert.deepEqual(await list({ claimId: CLAIM, outcome: "denied", reason: "hook_denied" }), [denied.id]);
    await fixture.store.saveAttempt({ ...denied, outcome: "issued", reason: undefined });
    assert.deepEqual(await list({ outcome: "denied" }), [stranger.id]);
    const first = await fixture.store.attempts({ limit: 2, cursor: undefined });
    const second = await fixture.store.attempts({ limit: 2, cursor: first.next });
    assert.deepEqual(
      [first.items.length, second.items.map((attempt) => attempt.id), second.next],
      [2, [denied.id], undefined],
    );
  });

  it("keeps events, newest first", async () => {
    const fixture = await Fixture.open(make);
    const blank = {
      reason: undefined,
      certificateId: undefined,
      claimId: undefined,
      thingName: undefined,
      clientId: undefined,
    };
    for (const kind of ["a", "b", "c"]) {
      await fixture.store.saveEvent({
        atMs: fixture.nowMs,
        kind,
        message: `${kind}.`,
        remoteAddress: "192.0.2.1",
        ...blank,
      });
    }
    const first = await fixture.store.events({ limit: 2, cursor: undefined });
    const second = await fixture.store.events({ limit: 2, cursor: first.next });
    assert.deepEqual(
      [...first.items, ...second.items].map((event) => event.kind),
      ["c", "b", "a"],
    );
    assert.deepEqual(second.items[0], {
      sequence: 1,
      atMs: fixture.nowMs,
      kind: "a",
      message: "a.",
      remoteAddress: "192.0.2.1",
      ...blank,
    });
  });

  it("lets the oldest attempts, events and changes go beyond their limits", async () => {
    const fixture = await Fixture.open(make, { attempts: 10, events: 5, changes: 5, checkpoints: 5 });
    const blank = {
      reason: undefined,
      certificateId: undefined,
      claimId: undefined,
      thingName: undefined,
      clientId: undefined,
    };
    for (let i = 0; i < 100; i++) {
      await fixture.store.saveAttempt(fixture.attempt());
      await fixture.store.saveEvent({ atMs: i, kind: "k", message: "m.", remoteAddress: undefined, ...blank });
      await fixture.applyPolicy("p" as Parameters<Fixture["applyPolicy"]>[0], String(i));
    }
    const attempts = await fixture.store.attempts({ limit: 250, cursor: undefined });
    assert.equal(attempts.items[0]?.id, "attempt-100");
    assert.ok(attempts.items.length < 45, `${attempts.items.length} attempts are kept`);
    const events = await fixture.store.events({ limit: 250, cursor: undefined });
    assert.equal(events.items[0]?.atMs, 99);
    assert.ok(events.items.length < 40, `${events.items.length} events are kept`);
    assert.ok((await fixture.store.changes.since(0)).length < 40);
  });

  it("writes audit entries with their leaf hashes, numbered without gaps though operations are refused between them", async () => {
    const fixture = await Fixture.ready(make);
    const from = await fixture.store.entryCount();
    const work = Array.from({ length: 50 }, (_, i) => {
      const name = i % 2 === 0 ? `lamp-${i}` : "lamp-0";
      return fixture.store.createThing({
        name: thingName(name),
        typeName: undefined,
        attributes: {},
        audit: fixture.audit("thing.created", name),
      });
    });
    await Promise.allSettled(work);
    const entries = await fixture.store.entries(from, 100);
    assert.deepEqual(
      entries.map((entry) => entry.index),
      Array.from({ length: 25 }, (_, i) => from + i),
    );
    for (const entry of entries) assert.equal(entry.leafHash, leafHash(entry.body));
    assert.equal(await fixture.store.entryCount(), from + 25);
    assert.equal((await fixture.store.entries(from + 3, 2))[0]?.index, from + 3);
  });

  it("keeps checkpoints in order", async () => {
    const fixture = await Fixture.open(make);
    assert.equal(await fixture.store.latestCheckpoint(), undefined);
    for (const size of [1, 2, 3]) {
      await fixture.store.saveCheckpoint({ size, rootHash: `r${size}`, atMs: size, note: "n", frontier: ["a", "b"] });
    }
    assert.deepEqual(await fixture.store.latestCheckpoint(), {
      size: 3,
      rootHash: "r3",
      atMs: 3,
      note: "n",
      frontier: ["a", "b"],
    });
    assert.deepEqual(
      (await fixture.store.checkpoints(2)).map((checkpoint) => checkpoint.size),
      [2, 3],
    );
  });

  it("numbers changes in the order of their commits and nudges after each", async () => {
    const fixture = await Fixture.ready(make);
    const from = await fixture.store.changes.latest();
    const seenAt: number[] = [];
    const stop = fixture.store.changes.onNudge(
      () => void fixture.store.changes.latest().then((latest) => seenAt.push(latest)),
    );
    await fixture.provision("lamp");
    await fixture.store.quarantineThing({
      name: thingName("lamp"),
      quarantined: true,
      audit: fixture.audit("q", "lamp"),
    });
    stop();
    await fixture.applyPolicy("p" as Parameters<Fixture["applyPolicy"]>[0]);
    const changes = await fixture.store.changes.since(from);
    assert.deepEqual(
      changes.map((change) => change.kind),
      ["certificate", "thing", "policies"],
    );
    const sequences = changes.map((change) => change.sequence);
    assert.deepEqual(
      sequences,
      [...sequences].sort((one, other) => one - other),
    );
    assert.deepEqual(seenAt, sequences.slice(0, 2));
    assert.equal(await fixture.store.changes.latest(), sequences.at(-1));
    assert.deepEqual(await fixture.store.changes.since(sequences.at(-1) ?? 0), []);
  });

  it("does not count a listener's mistake as a failed write", async () => {
    const fixture = await Fixture.open(make);
    fixture.store.changes.onNudge(() => {
      throw new Error("a mistake");
    });
    await fixture.applyPolicy("p" as Parameters<Fixture["applyPolicy"]>[0]);
  });

  it("keeps credentials by the hash of their token", async () => {
    const fixture = await Fixture.open(make);
    const credential = { accountId: "owner" as AccountId, role: "owner" as const, tokenHash: "ab", createdAtMs: 1 };
    await fixture.store.saveCredential(credential);
    assert.deepEqual(await fixture.store.credential("ab"), credential);
    assert.equal(await fixture.store.credential("cd"), undefined);
  });

  it("finishes what was asked before it closes, and refuses what comes after", async () => {
    const fixture = await Fixture.open(make);
    const write = fixture.applyPolicy("p" as Parameters<Fixture["applyPolicy"]>[0]);
    await fixture.store.close();
    await write;
    await refused(fixture.applyPolicy("q" as Parameters<Fixture["applyPolicy"]>[0]), "store_unavailable");
    await refused(fixture.store.entryCount(), "store_unavailable");
    await fixture.store.close();
  });
}

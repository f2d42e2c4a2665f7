import assert from "node:assert/strict";
import { it } from "node:test";
import type { Message, SessionKey, StoredSession } from "../../broker/ports.ts";
import { Fixture, type MakeStore } from "./fixture.ts";

const KEY: SessionKey = { owner: "device:lamp", clientId: "lamp" };
const OTHER: SessionKey = { owner: "device:lamp", clientId: "other" };

function session(key: SessionKey, expirySeconds = 60): StoredSession {
  const subscription = { filter: "a/#", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { key, expirySeconds, subscriptions: [{ ...subscription, subscriptionIdentifier: undefined }] };
}

function message(text: string, change: Partial<Message> = {}): Message {
  const payload = new TextEncoder().encode(text);
  return { topic: "a/b", payload, qos: 1, retain: false, properties: {}, expiresAtMs: undefined, ...change };
}

const textOf = ({ payload }: Message): string => new TextDecoder().decode(payload);

export function sessionContract(make: MakeStore): void {
  it("keeps sessions and replaces their settings, not their messages", async () => {
    const { store } = await Fixture.open(make);
    await store.sessions.save(session(KEY));
    await store.sessions.enqueue([KEY], message("one"));
    await store.sessions.save(session(KEY, 120));
    assert.deepEqual(await store.sessions.load(), [{ ...session(KEY, 120), disconnectedAtMs: undefined }]);
    await store.sessions.markDisconnected(KEY, 5);
    assert.equal((await store.sessions.load())[0]?.disconnectedAtMs, 5);
    assert.deepEqual((await store.sessions.queued(KEY, 0, 10)).map(textOf), ["one"]);
    await store.sessions.remove(KEY);
    assert.deepEqual(await store.sessions.load(), []);
    assert.deepEqual(await store.sessions.queued(KEY, 0, 10), []);
  });

  it("keeps one message for several sessions until each has taken it", async () => {
    const { store } = await Fixture.open(make);
    await store.sessions.save(session(KEY));
    await store.sessions.save(session(OTHER));
    const properties = {
      contentType: "text",
      correlationData: Uint8Array.of(1, 2),
      userProperties: [["a", "b"] as const],
    };
    const [first] = await store.sessions.enqueue(
      [KEY, OTHER],
      message("one", { properties, expiresAtMs: 9, retain: true }),
    );
    const [second] = await store.sessions.enqueue([KEY], message("two"));
    assert.ok((second ?? 0) > (first ?? 0));
    const [kept] = await store.sessions.queued(KEY, 0, 1);
    assert.deepEqual(
      [kept?.properties, kept?.expiresAtMs, kept?.retain, kept?.qos, kept?.sequence],
      [properties, 9, true, 1, first],
    );
    assert.deepEqual((await store.sessions.queued(KEY, first ?? 0, 10)).map(textOf), ["two"]);
    await store.sessions.dequeue(KEY, [first ?? 0]);
    assert.deepEqual((await store.sessions.queued(KEY, 0, 10)).map(textOf), ["two"]);
    assert.deepEqual((await store.sessions.queued(OTHER, 0, 10)).map(textOf), ["one"]);
    await store.sessions.dequeue(KEY, [second ?? 0]);
    const [third] = await store.sessions.enqueue([KEY], message("three"));
    assert.ok((third ?? 0) > (second ?? 0), "a number is never given twice");
  });

  it("answers 0 for a session that does not exist", async () => {
    const { store } = await Fixture.open(make);
    assert.deepEqual(await store.sessions.enqueue([KEY], message("one")), [0]);
  });

  it("drops the oldest beyond a session's limits in number and bytes", async () => {
    const { store } = await Fixture.open(make, { queuedPerSession: 3, queuedBytesPerSession: 60 });
    await store.sessions.save(session(KEY));
    for (const text of ["1", "2", "3", "4"]) await store.sessions.enqueue([KEY], message(text));
    assert.deepEqual((await store.sessions.queued(KEY, 0, 10)).map(textOf), ["2", "3", "4"]);
    await store.sessions.enqueue([KEY], message("x".repeat(50)));
    assert.deepEqual(
      (await store.sessions.queued(KEY, 0, 10)).map((kept) => kept.payload.length),
      [1, 50],
    );
  });

  it("counts what travels beside the payload as well", async () => {
    const { store } = await Fixture.open(make, { queuedPerSession: 3, queuedBytesPerSession: 60 });
    await store.sessions.save(session(KEY));
    const heavy = (text: string) => ({
      ...message(text),
      properties: { userProperties: [["n", "v".repeat(50)] as const] },
    });
    for (const text of ["1", "2"]) await store.sessions.enqueue([KEY], heavy(text));
    assert.deepEqual((await store.sessions.queued(KEY, 0, 10)).map(textOf), ["2"]);
    for (const { sequence } of await store.sessions.queued(KEY, 0, 10)) await store.sessions.dequeue(KEY, [sequence]);
    for (const text of ["3", "4"]) await store.sessions.enqueue([KEY], message(text));
    assert.deepEqual((await store.sessions.queued(KEY, 0, 10)).map(textOf), ["3", "4"]);
  });

  it("ends sessions whose device has been away too long", async () => {
    const { store } = await Fixture.open(make);
    await store.sessions.save(session(KEY, 60));
    await store.sessions.save(session(OTHER, 0xffffffff));
    await store.sessions.enqueue([KEY], message("one"));
    assert.deepEqual(await store.sessions.expire(1e15), []);
    await store.sessions.markDisconnected(KEY, 1000);
    await store.sessions.markDisconnected(OTHER, 1000);
    assert.deepEqual(await store.sessions.expire(60_999), []);
    assert.deepEqual(await store.sessions.expire(61_000), [KEY]);
    assert.deepEqual(
      (await store.sessions.load()).map((kept) => kept.key),
      [OTHER],
    );
    await store.sessions.save(session(KEY, 60));
    await store.sessions.markDisconnected(KEY, 1000);
    await store.sessions.markDisconnected(KEY, undefined);
    assert.deepEqual(await store.sessions.expire(1e15), []);
  });

  it("keeps the last retained message of a topic; an empty one removes it", async () => {
    const { store } = await Fixture.open(make);
    const properties = { contentType: "text", correlationData: Uint8Array.of(7) };
    await store.retained.put(message("one", { retain: true }));
    await store.retained.put(message("two", { retain: true, properties, expiresAtMs: 5 }));
    const [kept] = await store.retained.load();
    assert.deepEqual(
      [kept && textOf(kept), kept?.properties, kept?.expiresAtMs, kept?.retain],
      ["two", properties, 5, true],
    );
    await store.retained.put(message("", { retain: true }));
    assert.deepEqual(await store.retained.load(), []);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { PublishPacket } from "../packets.ts";
import { MqttProtocolError } from "../protocol-error.ts";
import { FlowWindow } from "./flow-window.ts";
import { KeepAlive } from "./keep-alive.ts";
import { PacketIds } from "./packet-ids.ts";
import { InboundTopicAliases, OutboundTopicAliases } from "./topic-aliases.ts";

function message(topic: string, topicAlias?: number): PublishPacket {
  return {
    type: "publish",
    topic,
    payload: Buffer.from("p"),
    qos: 0,
    retain: false,
    duplicate: false,
    properties: topicAlias === undefined ? {} : { topicAlias, contentType: "x" },
  };
}

test("packet identifiers go from 1 to 65,535 and round, skipping those in use", () => {
  const ids = new PacketIds();
  assert.equal(ids.allocate(), 1);
  assert.equal(ids.reserve(2), true);
  assert.equal(ids.reserve(2), false);
  assert.equal(ids.allocate(), 3);
  for (let expected = 4; expected <= 65_535; expected++) assert.equal(ids.allocate(), expected);
  assert.equal(ids.allocate(), undefined);
  assert.equal(ids.release(2), true);
  assert.equal(ids.release(2), false);
  assert.equal(ids.allocate(), 2);
  assert.equal(ids.size, 65_535);
  assert.equal(ids.has(2), true);
});

test("a window gives as many places as the receive maximum and takes them back", () => {
  const window = new FlowWindow(2);
  assert.deepEqual([window.take(), window.take(), window.take()], [true, true, false]);
  window.free();
  assert.equal(window.hasRoom, true);
  assert.equal(window.unacknowledged, 1);
});

test("an acknowledgement too many does not widen the window", () => {
  const window = new FlowWindow(1);
  window.free();
  assert.deepEqual([window.take(), window.take()], [true, false]);
});

test("an inbound alias stands for the last name it was given, and does not travel on", () => {
  const aliases = new InboundTopicAliases(2);
  assert.deepEqual(aliases.resolve(message("a", 1)), { ...message("a"), properties: { contentType: "x" } });
  assert.equal(aliases.resolve(message("", 1)).topic, "a");
  aliases.resolve(message("b", 1));
  assert.equal(aliases.resolve(message("", 1)).topic, "b");
  const plain = message("c");
  assert.equal(aliases.resolve(plain), plain);
});

test("an alias over the announced maximum or without a name is refused with 0x94", () => {
  const aliases = new InboundTopicAliases(2);
  for (const packet of [message("a", 3), message("", 2)]) {
    assert.throws(
      () => aliases.resolve(packet),
      (error) => error instanceof MqttProtocolError && error.reasonCode === 0x94,
    );
  }
});

test("outbound aliases go to the first topics, and a peer with the inbound table understands them", () => {
  const outbound = new OutboundTopicAliases(1);
  const inbound = new InboundTopicAliases(1);
  const sent = [message("a"), message("a"), message("b")].map((packet) => outbound.apply(packet));
  assert.deepEqual(
    sent.map(({ topic }) => topic),
    ["a", "", "b"],
  );
  assert.deepEqual(
    sent.map((packet) => inbound.resolve(packet).topic),
    ["a", "a", "b"],
  );
});

test("a peer may be silent for one and a half times its keep-alive", () => {
  const rule = new KeepAlive(10, 1_000);
  assert.equal(rule.expired(15_999), false);
  assert.equal(rule.expired(16_000), true);
  rule.heard(16_000);
  assert.equal(rule.deadlineMs, 31_000);
});

test("a keep-alive of 0 never expires", () => {
  assert.equal(new KeepAlive(0, 0).expired(Number.MAX_SAFE_INTEGER), false);
});

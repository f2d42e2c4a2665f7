import assert from "node:assert/strict";
import { test } from "node:test";
import { encodePacket } from "./encode-packet.ts";
import type { Packet, ProtocolVersion } from "./packets.ts";
import { NO_PROPERTIES } from "./properties.ts";

function hex(packet: Packet, version: ProtocolVersion): string {
  return Buffer.from(encodePacket(packet, version)).toString("hex");
}

test("acknowledgements take their shortest form", () => {
  assert.equal(hex({ type: "puback", packetId: 0x1234, reasonCode: 0 }, 5), "40021234");
  assert.equal(hex({ type: "puback", packetId: 0x1234, reasonCode: 0x10 }, 5), "4003123410");
  assert.equal(
    hex({ type: "puback", packetId: 0x1234, reasonCode: 0, reasonString: "p" }, 5),
    "40081234 00 041f000170".replaceAll(" ", ""),
  );
  assert.equal(hex({ type: "puback", packetId: 0x1234, reasonCode: 0x10 }, 4), "40021234");
  assert.equal(hex({ type: "disconnect", reasonCode: 0 }, 5), "e000");
  assert.equal(hex({ type: "disconnect", reasonCode: 0x81 }, 5), "e00181");
  assert.equal(hex({ type: "disconnect", reasonCode: 0x81 }, 4), "e000");
});

test("the remaining length grows by a byte where it must", () => {
  const message = { type: "publish", topic: "t", qos: 0, retain: false, duplicate: false, properties: {} } as const;
  for (const [body, header] of [
    [127, "307f"],
    [128, "308001"],
    [16_383, "30ff7f"],
    [16_384, "30808001"],
    [2_097_151, "30ffff7f"],
    [2_097_152, "3080808001"],
  ] as const) {
    const bytes = Buffer.from(encodePacket({ ...message, payload: Buffer.alloc(body - 3) }, 4));
    assert.equal(bytes.toString("hex", 0, header.length / 2), header);
    assert.equal(bytes.length, body + header.length / 2);
  }
});

test("what 3.1.1 lacks is left out for it", () => {
  const publish = {
    type: "publish",
    topic: "t",
    payload: Buffer.from("p"),
    qos: 0,
    retain: false,
    duplicate: false,
    properties: { contentType: "x" },
  } as const;
  assert.equal(hex(publish, 4), "300400017470");
  assert.equal(hex(publish, 5), "3009000174040300017870");
  assert.equal(hex({ type: "unsuback", packetId: 1, reasonCodes: [0x11] }, 4), "b0020001");
});

test("what cannot be written is refused with a sentence", () => {
  const publish = { type: "publish", retain: false, duplicate: false, properties: NO_PROPERTIES } as const;
  const payload = Buffer.alloc(0);
  assert.throws(() => encodePacket({ ...publish, topic: "t", payload, qos: 1 }, 4), /packet identifier undefined/);
  assert.throws(
    () => encodePacket({ ...publish, topic: "t", payload, qos: 1, packetId: 0 }, 4),
    /between 1 and 65,535/,
  );
  assert.throws(() => encodePacket({ ...publish, topic: "t".repeat(65_536), payload, qos: 0 }, 4), /at most 65,535/);
});

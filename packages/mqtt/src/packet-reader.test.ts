import assert from "node:assert/strict";
import { test } from "node:test";
import { encodePacket } from "./encode-packet.ts";
import { PacketReader } from "./packet-reader.ts";
import type { Packet, PublishPacket } from "./packets.ts";
import { NO_PROPERTIES } from "./properties.ts";
import { MqttProtocolError, UnsupportedVersionError } from "./protocol-error.ts";
import { primedReader, ROOMY } from "./testing/primed-reader.ts";

const LIMITS = { packetBytes: 4096, userProperties: 8, filtersPerPacket: 8 };
const CONNECT = "100d00044d5154540402003c000170";

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function refusal(reader: PacketReader, chunk: Uint8Array): MqttProtocolError {
  try {
    reader.push(chunk, () => {});
  } catch (error) {
    assert.ok(error instanceof MqttProtocolError);
    return error;
  }
  return assert.fail("the bytes were taken");
}

function publish(payload: Uint8Array): PublishPacket {
  return { type: "publish", topic: "t", payload, qos: 0, retain: false, duplicate: false, properties: NO_PROPERTIES };
}

test("a header that claims more than the limit is refused before any of the body is held", () => {
  const reader = new PacketReader("server", LIMITS);
  assert.equal(refusal(reader, bytes("10 81 20")).reasonCode, 0x95);
  assert.equal(reader.bufferedBytes, 0);
});

test("the limit counts the header too and admits a packet of exactly its size", () => {
  const packet = encodePacket(publish(Buffer.alloc(10)), 4);
  const read: Packet[] = [];
  primedReader("server", 4, { ...ROOMY, packetBytes: packet.length }).push(packet, (one) => read.push(one));
  assert.equal(read.length, 1);
  // The CONNECT that opens the connection must still fit.
  const tight = primedReader("server", 4);
  tight.limits = { ...ROOMY, packetBytes: packet.length - 1 };
  assert.equal(refusal(tight, packet).reasonCode, 0x95);
});

test("the first byte alone is enough to refuse anything but CONNECT", () => {
  for (const first of ["00", "20", "30", "c0", "e0", "f0"]) {
    assert.equal(refusal(new PacketReader("server", LIMITS), bytes(first)).reasonCode, 0x82, first);
  }
});

test("reserved flags are refused at the first byte", () => {
  assert.equal(refusal(new PacketReader("server", LIMITS), bytes("11")).reasonCode, 0x81);
  assert.equal(refusal(primedReader("server", 5), bytes("80")).reasonCode, 0x81);
  assert.equal(refusal(primedReader("server", 5), bytes("36")).reasonCode, 0x81);
});

test("a remaining length of five bytes or in more bytes than it needs is refused", () => {
  assert.equal(refusal(new PacketReader("server", LIMITS), bytes("10 ff ff ff ff")).reasonCode, 0x81);
  assert.equal(refusal(new PacketReader("server", LIMITS), bytes("10 8d 00")).reasonCode, 0x81);
});

test("an endless CONNECT fed byte by byte never occupies more than the limit", () => {
  const reader = new PacketReader("server", LIMITS);
  reader.push(bytes("10 fd 1f"), () => {});
  for (let index = 0; index < 4000; index++) reader.push(Buffer.of(0), () => {});
  assert.equal(reader.bufferedBytes, 4003);
  assert.equal(refusal(reader, Buffer.alloc(200)).reasonCode, 0x81);
});

test("a second CONNECT is refused", () => {
  const reader = new PacketReader("server", LIMITS);
  assert.equal(refusal(reader, bytes(CONNECT + CONNECT)).clause, "MQTT-3.1.0-2");
});

test("CONNECT sets the reader's version", () => {
  const reader = new PacketReader("server", LIMITS);
  reader.push(bytes("100e00044d5154540502000a00000170"), () => {});
  assert.equal(reader.version, 5);
  assert.equal(reader.begun, true);
});

test("MQTT 3.1 and unknown levels are refused with the answer to send", () => {
  for (const hex of ["100f00064d51497364700302000a000170", "100d00044d5154540602000a000170"]) {
    const error = refusal(new PacketReader("server", LIMITS), bytes(hex));
    assert.ok(error instanceof UnsupportedVersionError);
    assert.equal(error.reasonCode, 0x84);
    assert.deepEqual(Buffer.from(error.answer), bytes("20 02 00 01"));
  }
});

test("another protocol's name is malformed, without an answer", () => {
  const error = refusal(new PacketReader("server", LIMITS), bytes("100d00044d5154550402000a000170"));
  assert.equal(error.reasonCode, 0x81);
  assert.ok(!(error instanceof UnsupportedVersionError));
});

test("after a fault the reader takes no further notice", () => {
  const reader = primedReader("server", 5);
  refusal(reader, bytes("c1"));
  reader.push(bytes("c000"), () => assert.fail("the reader is dead"));
  assert.equal(reader.bufferedBytes, 0);
});

test("stop drops the rest of the chunk that is being read", () => {
  const reader = primedReader("server", 5);
  let count = 0;
  reader.push(bytes("c000 c000 c000"), () => {
    count++;
    reader.stop();
  });
  assert.equal(count, 1);
});

test("limits raised in the handler hold for the next packet of the same chunk", () => {
  const reader = new PacketReader("server", { ...LIMITS, packetBytes: 64 });
  const read: string[] = [];
  const big = encodePacket(publish(Buffer.alloc(1000)), 4);
  reader.push(Buffer.concat([bytes(CONNECT), big]), (packet) => {
    read.push(packet.type);
    reader.limits = ROOMY;
  });
  assert.deepEqual(read, ["connect", "publish"]);
});

test("a small payload does not keep the chunk it came in alive, a large one is not copied", () => {
  const reader = primedReader("server", 4);
  const payloads: Uint8Array[] = [];
  const small = encodePacket(publish(Buffer.from("x")), 4);
  const large = encodePacket(publish(Buffer.alloc(60_000)), 4);
  const chunk = Buffer.allocUnsafeSlow(small.length + large.length);
  chunk.set(small);
  chunk.set(large, small.length);
  reader.push(chunk, (packet) => payloads.push((packet as PublishPacket).payload));
  assert.notEqual(payloads[0]?.buffer, chunk.buffer);
  assert.equal(payloads[1]?.buffer, chunk.buffer);
});

test("a client refuses what only clients send, and anything before CONNACK", () => {
  assert.equal(refusal(primedReader("client", 5), bytes("c000")).reasonCode, 0x82);
  assert.equal(refusal(new PacketReader("client", ROOMY), bytes("d000")).clause, "MQTT-3.2.0-1");
});

test("a client of MQTT 5 may be refused with DISCONNECT instead of CONNACK", () => {
  const reader = new PacketReader("client", ROOMY);
  reader.version = 5;
  const read: Packet[] = [];
  reader.push(bytes("e0 01 89"), (packet) => read.push(packet));
  assert.deepEqual(read, [{ type: "disconnect", reasonCode: 0x89 }]);
});

test("AUTH is refused unless CONNECT named a method", () => {
  assert.equal(refusal(primedReader("server", 5), bytes("f0 00")).reasonCode, 0x82);
  const reader = new PacketReader("server", ROOMY);
  const connect = { type: "connect", version: 5, clientId: "c", clean: true, keepAlive: 0 } as const;
  const read: string[] = [];
  reader.push(encodePacket({ ...connect, authenticationMethod: "m" }, 5), ({ type }) => read.push(type));
  reader.push(bytes("f0 00"), ({ type }) => read.push(type));
  assert.deepEqual(read, ["connect", "auth"]);
});

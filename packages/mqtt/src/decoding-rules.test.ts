import assert from "node:assert/strict";
import { test } from "node:test";
import { PacketReader } from "./packet-reader.ts";
import type { ProtocolVersion } from "./packets.ts";
import { MqttProtocolError } from "./protocol-error.ts";
import { primedReader, ROOMY } from "./testing/primed-reader.ts";

/** The reason code a packet is refused with, or undefined where it is taken. */
function verdict(reader: PacketReader, hex: string): number | undefined {
  try {
    reader.push(Buffer.from(hex.replaceAll(" ", ""), "hex"), () => {});
    assert.equal(reader.bufferedBytes, 0, `${hex} is incomplete`);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof MqttProtocolError, String(error));
    assert.notEqual(error.clause, "");
    return error.reasonCode;
  }
}

type Row = readonly [what: string, hex: string, refusal: number | undefined];

function check(version: ProtocolVersion, rows: readonly Row[]): void {
  for (const [what, hex, expected] of rows) assert.equal(verdict(primedReader("server", version), hex), expected, what);
}

test("MQTT 3.1.1 packets are refused by these rules", () => {
  check(4, [
    ["a plain publish", "30 03 0001 74", undefined],
    ["an empty topic", "30 02 0000", 0x81],
    ["a wildcard in a topic name", "30 03 0001 2b", 0x81],
    ["packet identifier 0", "32 05 0001 74 0000", 0x82],
    ["a duplicate with QoS 0", "38 03 0001 74", 0x81],
    ["a PUBACK that is too long", "40 03 0001 00", 0x81],
    ["a subscription with QoS 3", "82 06 0001 0001 74 03", 0x81],
    ["options that only MQTT 5 has", "82 06 0001 0001 74 04", 0x81],
    ["no topic filter", "82 02 0001", 0x81],
    ["no topic filter to unsubscribe", "a2 02 0001", 0x81],
    ["an empty topic filter", "82 05 0001 0000 00", 0x81],
    ["# before the last level", "82 08 0001 0003 232f61 00", 0x81],
    ["+ as part of a level", "82 07 0001 0002 612b 00", 0x81],
    ["a ping with a body", "c0 01 00", 0x81],
    ["a DISCONNECT with a reason", "e0 01 00", 0x81],
  ]);
});

test("MQTT 5 packets are refused by these rules", () => {
  check(5, [
    ["a plain publish", "30 04 0001 74 00", undefined],
    ["an empty topic without alias", "30 03 0000 00", 0x81],
    ["an empty topic with alias", "30 06 0000 03 230001", undefined],
    ["topic alias 0", "30 06 0000 03 230000", 0x94],
    ["a subscription identifier from a client", "30 06 0001 74 02 0b01", 0x82],
    ["a payload format of 2", "30 06 0001 74 02 0102", 0x82],
    ["a property twice", "30 08 0001 74 04 0101 0101", 0x82],
    ["a property that does not exist", "30 06 0001 74 02 0400", 0x81],
    ["a property of another packet", "30 07 0001 74 03 210001", 0x82],
    ["a property of another packet in SUBSCRIBE", "82 0a 0001 03 210001 0001 74 00", 0x81],
    ["properties that run out of the packet", "30 04 0001 74 05", 0x81],
    ["a value that runs out of the properties", "30 06 0001 74 02 0200 ", 0x81],
    ["a response topic with a wildcard", "30 08 0001 74 04 0800012b", 0x82],
    ["an overlong property length", "30 05 0001 74 8000", 0x81],
    ["an unknown reason in PUBACK", "40 03 0001 01", 0x82],
    ["a PUBACK with bytes to spare", "40 05 0001 00 00 00", 0x81],
    ["retain handling 3", "82 07 0001 00 0001 74 30", 0x81],
    ["reserved subscription options", "82 07 0001 00 0001 74 40", 0x81],
    ["subscription identifier 0", "82 09 0001 02 0b00 0001 74 00", 0x81],
    ["no-local on a shared subscription", "82 10 0001 00 000a 24 7368617265 2f 702f 70 04", 0x82],
    ["a shared subscription without filter", "82 0e 0001 00 0008 24 7368617265 2f 70 00", 0x82],
    ["a SUBACK", "90 04 0001 00 00", 0x82],
    ["a SUBACK with flags", "91 04 0001 00 00", 0x81],
    ["a PINGRESP with flags", "d1 00", 0x82],
    ["any reason to disconnect", "e0 01 05", undefined],
  ]);
});

test("a packet is never read beyond its end into the next", () => {
  // The properties claim five bytes, and what follows would be a property.
  assert.equal(verdict(primedReader("server", 5), "30 04 0001 74 05  26 0000 0000"), 0x81);
  assert.equal(verdict(primedReader("server", 5), "40 01 00  01 00"), 0x81);
  assert.equal(verdict(primedReader("server", 4), "30 03 0002 74  c000"), 0x81);
});

test("CONNECT is refused by these rules", () => {
  const rows: Row[] = [
    ["a plain 3.1.1 CONNECT", "10 0d 0004 4d515454 04 02 000a 0001 70", undefined],
    ["the reserved flag", "10 0d 0004 4d515454 04 03 000a 0001 70", 0x81],
    ["will QoS without a will", "10 0d 0004 4d515454 04 0a 000a 0001 70", 0x81],
    ["will QoS 3", "10 13 0004 4d515454 04 1e 000a 0001 70 0001 70 0001 70", 0x81],
    ["a will topic with a wildcard", "10 13 0004 4d515454 04 06 000a 0001 70 0001 23 0001 70", 0x81],
    ["a password without user name in 3.1.1", "10 10 0004 4d515454 04 42 000a 0001 70 0001 70", 0x81],
    ["a password without user name in 5", "10 11 0004 4d515454 05 42 000a 00 0001 70 0001 70", undefined],
    ["bytes after the last field", "10 0e 0004 4d515454 04 02 000a 0001 70 00", 0x81],
    ["receive maximum 0", "10 11 0004 4d515454 05 02 000a 03 210000 0001 70", 0x82],
    ["maximum packet size 0", "10 13 0004 4d515454 05 02 000a 05 2700000000 0001 70", 0x82],
    ["a flag property of 2", "10 10 0004 4d515454 05 02 000a 02 1702 0001 70", 0x82],
    ["authentication data without method", "10 12 0004 4d515454 05 02 000a 04 160001 61 0001 70", 0x82],
  ];
  for (const [what, hex, expected] of rows)
    assert.equal(verdict(new PacketReader("server", ROOMY), hex), expected, what);
});

test("user properties and filters are counted against their limits", () => {
  const limits = { ...ROOMY, userProperties: 1, filtersPerPacket: 1 };
  const reader = () => primedReader("server", 5, limits);
  assert.equal(verdict(reader(), "30 0b 0001 74 07 26 0001 61 0001 62"), undefined);
  assert.equal(verdict(reader(), "30 12 0001 74 0e 26 0001 61 0001 62 26 0001 61 0001 62"), 0x97);
  assert.equal(verdict(reader(), "82 07 0001 00 0001 74 00"), undefined);
  assert.equal(verdict(reader(), "82 0b 0001 00 0001 74 00 0001 75 00"), 0x97);
  assert.equal(verdict(reader(), "a2 09 0001 00 0001 74 0001 75"), 0x97);
});

test("acknowledgements to a client are refused by these rules", () => {
  const rows: Row[] = [
    ["a SUBACK", "90 04 0001 00 01", undefined],
    ["a SUBACK without reason codes", "90 03 0001 00", 0x81],
    ["an unknown SUBACK reason", "90 04 0001 00 03", 0x82],
    ["an unknown UNSUBACK reason", "b0 04 0001 00 01", 0x82],
    ["several subscription identifiers", "30 08 0001 74 04 0b01 0b02", undefined],
    ["a second CONNACK", "20 03 00 00 00", 0x82],
  ];
  for (const [what, hex, expected] of rows) assert.equal(verdict(primedReader("client", 5), hex), expected, what);
});

test("CONNACK is refused by these rules", () => {
  assert.equal(verdict(new PacketReader("client", ROOMY), "20 02 00 07"), undefined);
  assert.equal(verdict(new PacketReader("client", ROOMY), "20 02 02 00"), 0x81);
  assert.equal(verdict(new PacketReader("client", ROOMY), "20 02 01 05"), 0x82);
  assert.equal(verdict(new PacketReader("client", ROOMY), "20 03 00 00 00"), 0x81);
});

import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeProperties } from "./decode-properties.ts";
import type { SubackPacket, UnsubackPacket } from "./packets.ts";
import { malformed, overLimit, protocolError } from "./protocol-error.ts";

// MQTT 3.1.1 §3.9.3; MQTT 5 §3.9.3 and §3.11.3.
const SUBACK_311 = new Set([0x00, 0x01, 0x02, 0x80]);
const SUBACK_5 = new Set([0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]);
const UNSUBACK_5 = new Set([0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91]);

export function decodeSuback(cursor: ByteCursor, rules: DecodeRules): SubackPacket {
  const packetId = cursor.packetId();
  if (rules.version === 4) return { type: "suback", packetId, reasonCodes: readCodes(cursor, SUBACK_311, rules) };
  const properties = decodeProperties(cursor, "acknowledgement", rules.limits);
  return { type: "suback", packetId, reasonCodes: readCodes(cursor, SUBACK_5, rules), ...properties };
}

export function decodeUnsuback(cursor: ByteCursor, rules: DecodeRules): UnsubackPacket {
  const packetId = cursor.packetId();
  if (rules.version === 4) return { type: "unsuback", packetId, reasonCodes: [] };
  const properties = decodeProperties(cursor, "acknowledgement", rules.limits);
  return { type: "unsuback", packetId, reasonCodes: readCodes(cursor, UNSUBACK_5, rules), ...properties };
}

function readCodes(cursor: ByteCursor, allowed: ReadonlySet<number>, { limits }: DecodeRules): number[] {
  if (cursor.remaining === 0) throw malformed("§3.9.3", "no reason code");
  if (cursor.remaining > limits.filtersPerPacket) {
    throw overLimit("filtersPerPacket", `more than ${limits.filtersPerPacket} reason codes in one packet`);
  }
  const codes: number[] = [];
  while (cursor.remaining > 0) {
    const code = cursor.uint8("reason code");
    if (!allowed.has(code)) throw protocolError("§3.9.3", `the reason code 0x${code.toString(16)} is not allowed here`);
    codes.push(code);
  }
  return codes;
}

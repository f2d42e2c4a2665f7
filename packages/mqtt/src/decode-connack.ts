import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeProperties } from "./decode-properties.ts";
import type { ConnackPacket } from "./packets.ts";
import { malformed, protocolError } from "./protocol-error.ts";

/** Reason codes that we do not know are passed on: a refused client reports the number it was given. */
export function decodeConnack(cursor: ByteCursor, rules: DecodeRules): ConnackPacket {
  const flags = cursor.uint8("connack flags");
  if (flags > 1) throw malformed("MQTT-3.2.2-1", "reserved connack flags are set");
  const sessionPresent = flags === 1;
  const reasonCode = cursor.uint8("connack reason code");
  if (sessionPresent && reasonCode !== 0) {
    throw protocolError("MQTT-3.2.2-6", "a refused connection cannot have a session present");
  }
  const packet = { type: "connack", sessionPresent, reasonCode } as const;
  if (rules.version === 4) return packet;
  return { ...packet, ...decodeProperties(cursor, "connack", rules.limits) };
}

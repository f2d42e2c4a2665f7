import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeProperties } from "./decode-properties.ts";
import type { AuthPacket, DisconnectPacket } from "./packets.ts";
import { protocolError } from "./protocol-error.ts";

/**
 * Any reason code is taken: the connection ends whatever it says, and a code that we do not know is worth reporting.
 * The same holds for a server reference from a client.
 */
export function decodeDisconnect(cursor: ByteCursor, rules: DecodeRules): DisconnectPacket {
  if (rules.version === 4 || cursor.remaining === 0) return { type: "disconnect", reasonCode: 0 };
  const reasonCode = cursor.uint8("reason code");
  if (cursor.remaining === 0) return { type: "disconnect", reasonCode };
  return { type: "disconnect", reasonCode, ...decodeProperties(cursor, "disconnect", rules.limits) };
}

const AUTH_CODES = new Set([0x00, 0x18, 0x19]);

export function decodeAuth(cursor: ByteCursor, rules: DecodeRules): AuthPacket {
  if (cursor.remaining === 0) return { type: "auth", reasonCode: 0 };
  const reasonCode = cursor.uint8("reason code");
  if (!AUTH_CODES.has(reasonCode)) {
    throw protocolError("MQTT-3.15.2-1", `AUTH has the reason code 0x${reasonCode.toString(16)}`);
  }
  if (cursor.remaining === 0) return { type: "auth", reasonCode };
  return { type: "auth", reasonCode, ...decodeProperties(cursor, "auth", rules.limits) };
}

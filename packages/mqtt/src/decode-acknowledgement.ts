import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeProperties } from "./decode-properties.ts";
import type { PubackPacket, PubcompPacket, PubrecPacket, PubrelPacket } from "./packets.ts";
import { protocolError } from "./protocol-error.ts";

type AcknowledgementPacket = PubackPacket | PubrecPacket | PubrelPacket | PubcompPacket;
type Type = AcknowledgementPacket["type"];

// §3.4.2.1, §3.5.2.1 and §3.6.2.1, §3.7.2.1.
const RECEIPT = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const RELEASE = new Set([0x00, 0x92]);
const ALLOWED: Record<Type, ReadonlySet<number>> = {
  puback: RECEIPT,
  pubrec: RECEIPT,
  pubrel: RELEASE,
  pubcomp: RELEASE,
};

/** PUBACK, PUBREC, PUBREL, PUBCOMP. In MQTT 5 a reason code of 0 and empty properties may be left out. */
export function decodeAcknowledgement(type: Type, cursor: ByteCursor, rules: DecodeRules): AcknowledgementPacket {
  const packetId = cursor.packetId();
  const bare = { type, packetId, reasonCode: 0 };
  if (rules.version === 4 || cursor.remaining === 0) return bare;
  const reasonCode = cursor.uint8("reason code");
  if (!ALLOWED[type].has(reasonCode)) {
    throw protocolError("§3.4.2.1", `${type} has the reason code 0x${reasonCode.toString(16)}`);
  }
  if (cursor.remaining === 0) return { ...bare, reasonCode };
  return { ...bare, reasonCode, ...decodeProperties(cursor, "acknowledgement", rules.limits) };
}

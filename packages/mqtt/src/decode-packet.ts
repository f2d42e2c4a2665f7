import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeAcknowledgement } from "./decode-acknowledgement.ts";
import { decodeConnack } from "./decode-connack.ts";
import { decodeConnect } from "./decode-connect.ts";
import { decodeAuth, decodeDisconnect } from "./decode-disconnect.ts";
import { decodePublish } from "./decode-publish.ts";
import { decodeSuback, decodeUnsuback } from "./decode-suback.ts";
import { decodeSubscribe, decodeUnsubscribe } from "./decode-subscribe.ts";
import { PACKET_KINDS } from "./fixed-header.ts";
import type { Packet } from "./packets.ts";

/** Decodes one whole packet whose header has been judged; `cursor` holds its body. */
export function decodePacket(first: number, cursor: ByteCursor, rules: DecodeRules): Packet {
  const type = PACKET_KINDS[first >> 4]?.type ?? "pingreq";
  const packet = decodeBody(type, first, cursor, rules);
  cursor.expectEnd(type);
  return packet;
}

function decodeBody(type: Packet["type"], first: number, cursor: ByteCursor, rules: DecodeRules): Packet {
  switch (type) {
    case "publish":
      return decodePublish(first, cursor, rules);
    case "connect":
      return decodeConnect(cursor, rules);
    case "connack":
      return decodeConnack(cursor, rules);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return decodeAcknowledgement(type, cursor, rules);
    case "subscribe":
      return decodeSubscribe(cursor, rules);
    case "suback":
      return decodeSuback(cursor, rules);
    case "unsubscribe":
      return decodeUnsubscribe(cursor, rules);
    case "unsuback":
      return decodeUnsuback(cursor, rules);
    case "disconnect":
      return decodeDisconnect(cursor, rules);
    case "auth":
      return decodeAuth(cursor, rules);
    case "pingreq":
      return { type: "pingreq" };
    case "pingresp":
      return { type: "pingresp" };
  }
}

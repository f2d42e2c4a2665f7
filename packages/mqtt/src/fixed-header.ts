import type { DecodeRules } from "./codec-limits.ts";
import type { Packet } from "./packets.ts";
import { MqttProtocolError, malformed, protocolError } from "./protocol-error.ts";
import { REASON } from "./reason-codes.ts";

type Direction = "to server" | "to client" | "both";

interface PacketKind {
  readonly type: Packet["type"];
  readonly direction: Direction;
  /** The low four bits of the first byte; `undefined` for PUBLISH, where they carry meaning. */
  readonly flags: number | undefined;
  /** Wrong flags are reported even where the packet may not come at all, as Mosquitto does for these. */
  readonly flagsFirst?: true;
}

/** By packet type number; number 0 is forbidden (§2.1.2). */
export const PACKET_KINDS: readonly (PacketKind | undefined)[] = [
  undefined,
  { type: "connect", direction: "to server", flags: 0 },
  { type: "connack", direction: "to client", flags: 0 },
  { type: "publish", direction: "both", flags: undefined },
  { type: "puback", direction: "both", flags: 0 },
  { type: "pubrec", direction: "both", flags: 0 },
  { type: "pubrel", direction: "both", flags: 2 },
  { type: "pubcomp", direction: "both", flags: 0 },
  { type: "subscribe", direction: "to server", flags: 2 },
  { type: "suback", direction: "to client", flags: 0, flagsFirst: true },
  { type: "unsubscribe", direction: "to server", flags: 2 },
  { type: "unsuback", direction: "to client", flags: 0, flagsFirst: true },
  { type: "pingreq", direction: "to server", flags: 0 },
  { type: "pingresp", direction: "to client", flags: 0 },
  { type: "disconnect", direction: "both", flags: 0 },
  { type: "auth", direction: "both", flags: 0 },
];

/** How far the connection is: which packets may come at all. */
export interface Progress {
  /** The first packet (CONNECT, or CONNACK and AUTH at a client) has been read. */
  readonly begun: boolean;
  /** CONNECT named an authentication method, so AUTH may follow. */
  readonly authenticates: boolean;
}

/** Judges the first byte of a packet, before anything that follows is read. */
export function judgeFirstByte(first: number, rules: DecodeRules, progress: Progress): void {
  const kind = PACKET_KINDS[first >> 4];
  if (kind === undefined) throw protocolError("§2.1.2", "packet type 0 is forbidden");
  const flags = first & 0x0f;
  if (kind.flagsFirst && progress.begun) judgeFlags(kind, flags);
  refuseOutOfPlace(kind, rules, progress);
  judgeFlags(kind, flags);
}

function judgeFlags(kind: PacketKind, flags: number): void {
  if (kind.flags === undefined) judgePublishFlags(flags);
  else if (flags !== kind.flags) throw malformed("MQTT-2.1.3-1", `${kind.type} has reserved flags ${flags}`);
}

function refuseOutOfPlace({ type, direction }: PacketKind, rules: DecodeRules, progress: Progress): void {
  const { role, version } = rules;
  if (direction !== "both" && direction !== `to ${role}`) {
    throw protocolError("§2.1.2", `${type} must never be sent to a ${role}`);
  }
  if (!progress.begun) {
    refuseBeforeBegin(type, rules);
    return;
  }
  if (type === "connect") throw protocolError("MQTT-3.1.0-2", "a second CONNECT on one connection");
  if (type === "connack") throw protocolError("MQTT-3.2.0-2", "a second CONNACK on one connection");
  if (type === "auth" && !(version === 5 && progress.authenticates)) {
    throw protocolError("MQTT-4.12.0-1", "AUTH without an authentication method in CONNECT");
  }
  if (type === "disconnect" && version === 4 && role === "client") {
    throw protocolError("MQTT 3.1.1 §3.14", "a 3.1.1 server never sends DISCONNECT");
  }
}

function refuseBeforeBegin(type: Packet["type"], { role, version }: DecodeRules): void {
  if (role === "server") {
    if (type !== "connect") throw protocolError("MQTT-3.1.0-1", `the first packet is ${type}, not CONNECT`);
    return;
  }
  // MQTT 5 lets a server refuse with DISCONNECT where it cannot even read the CONNECT (§4.13.1).
  const allowed = type === "connack" || (version === 5 && (type === "auth" || type === "disconnect"));
  if (!allowed) throw protocolError("MQTT-3.2.0-1", `the first packet is ${type}, not CONNACK`);
}

function judgePublishFlags(flags: number): void {
  const qos = (flags >> 1) & 3;
  if (qos === 3) throw malformed("MQTT-3.3.1-4", "PUBLISH has QoS 3");
  if (qos === 0 && (flags & 8) !== 0) throw malformed("MQTT-3.3.1-2", "PUBLISH with QoS 0 is marked as duplicate");
}

/** Judges the remaining length as soon as it is known, before any of the body is kept. */
export function judgeLength(first: number, headerBytes: number, remaining: number, rules: DecodeRules): void {
  const total = headerBytes + remaining;
  if (total > rules.limits.packetBytes) {
    throw new MqttProtocolError(
      REASON.packetTooLarge,
      "limit packetBytes",
      `a packet of ${total} bytes is over the limit of ${rules.limits.packetBytes}`,
    );
  }
  const kind = PACKET_KINDS[first >> 4] as PacketKind;
  const expected = exactLength(kind.type, rules);
  if (expected !== undefined && remaining !== expected) {
    throw malformed("§2.1.4", `${kind.type} has ${remaining} bytes after its header instead of ${expected}`);
  }
}

function exactLength(type: Packet["type"], { version }: DecodeRules): number | undefined {
  if (type === "pingreq" || type === "pingresp") return 0;
  if (version === 5) return undefined;
  if (type === "disconnect") return 0;
  if (type === "connack" || type === "unsuback") return 2;
  return type.startsWith("pub") && type !== "publish" ? 2 : undefined;
}

import type { CodecLimits, Role } from "../codec-limits.ts";
import { encodePacket } from "../encode-packet.ts";
import { PacketReader } from "../packet-reader.ts";
import type { ProtocolVersion } from "../packets.ts";

export const ROOMY: CodecLimits = { packetBytes: 1_000_000, userProperties: 100, filtersPerPacket: 100 };

/** A reader on a connection that has begun: CONNECT or CONNACK is behind it. */
export function primedReader(role: Role, version: ProtocolVersion, limits: CodecLimits = ROOMY): PacketReader {
  const reader = new PacketReader(role, limits);
  reader.version = version;
  const opening =
    role === "server"
      ? ({ type: "connect", version, clientId: "c", clean: true, keepAlive: 60 } as const)
      : ({ type: "connack", sessionPresent: false, reasonCode: 0 } as const);
  reader.push(encodePacket(opening, version), () => {});
  return reader;
}

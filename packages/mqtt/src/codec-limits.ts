import type { ProtocolVersion } from "./packets.ts";

/** Bounds that hold before a byte of the body is kept. All in bytes but the counts. */
export interface CodecLimits {
  /** Largest packet, fixed header included. Refused from the header alone. */
  readonly packetBytes: number;
  readonly userProperties: number;
  readonly filtersPerPacket: number;
}

/** Which end of the connection reads. */
export type Role = "server" | "client";

/** What the decoders of a connection's packets go by. */
export interface DecodeRules {
  readonly role: Role;
  readonly version: ProtocolVersion;
  readonly limits: CodecLimits;
}

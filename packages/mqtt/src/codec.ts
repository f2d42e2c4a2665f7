import type { Packet, ProtocolVersion } from "./packets.ts";

/** Bounds that hold before a byte of the body is kept. All in bytes but the counts. */
export interface CodecLimits {
  /** Largest packet, fixed header included. Refused from the header alone. */
  readonly packetBytes: number;
  readonly userProperties: number;
  readonly filtersPerPacket: number;
}

/** The peer broke the specification. `reasonCode` is the MQTT 5 code to answer; `clause` names the rule. */
export class MqttProtocolError extends Error {
  override readonly name = "MqttProtocolError";
  readonly reasonCode: number;
  readonly clause: string;

  constructor(reasonCode: number, clause: string, message: string) {
    super(`${message} [${clause}]`);
    this.reasonCode = reasonCode;
    this.clause = clause;
  }
}

/**
 * Cuts a byte stream into packets. Holds at most one incomplete packet.
 * `push` calls `onPacket` for each whole packet, and throws MqttProtocolError at the first fault; after that it is dead.
 */
export declare class PacketReader {
  constructor(role: "server" | "client", limits: CodecLimits);
  /** The server's reader learns the version from CONNECT; a client sets it before it reads. */
  version: ProtocolVersion;
  /** May be raised after CONNECT. */
  limits: CodecLimits;
  push(chunk: Uint8Array, onPacket: (packet: Packet) => void): void;
  /** Bytes held of an incomplete packet. */
  readonly bufferedBytes: number;
}

/** One packet as bytes, always in one buffer, so that it leaves in one TLS record where it fits. */
export declare function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array;

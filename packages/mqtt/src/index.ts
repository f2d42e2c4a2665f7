export type { CodecLimits, DecodeRules, Role } from "./codec-limits.ts";
export { encodePacket } from "./encode-packet.ts";
export { PacketReader } from "./packet-reader.ts";
export * from "./packets.ts";
export { NO_PROPERTIES } from "./properties.ts";
export { MqttProtocolError, UnsupportedVersionError } from "./protocol-error.ts";
export { CONNACK_311, REASON, reasonName } from "./reason-codes.ts";
export * from "./topic-filter.ts";

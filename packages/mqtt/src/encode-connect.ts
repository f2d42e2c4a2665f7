import type { ByteSink } from "./byte-sink.ts";
import { encodeProperties } from "./encode-properties.ts";
import type { ConnectPacket, ProtocolVersion, Will } from "./packets.ts";

export function encodeConnect(sink: ByteSink, packet: ConnectPacket): void {
  sink.string("MQTT");
  sink.uint8(packet.version);
  sink.uint8(connectFlags(packet));
  sink.uint16(packet.keepAlive);
  if (packet.version === 5) encodeProperties(sink, "connect", packet);
  sink.string(packet.clientId);
  if (packet.will !== undefined) encodeWill(sink, packet.will, packet.version);
  if (packet.username !== undefined) sink.string(packet.username);
  if (packet.password !== undefined) sink.binary(packet.password);
}

function connectFlags({ clean, will, username, password }: ConnectPacket): number {
  return (
    (clean ? 0x02 : 0) |
    (will === undefined ? 0 : 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (username === undefined ? 0 : 0x80)
  );
}

function encodeWill(sink: ByteSink, will: Will, version: ProtocolVersion): void {
  if (version === 5) encodeProperties(sink, "will", { ...will.properties, ...delayOf(will) });
  sink.string(will.topic);
  sink.binary(will.payload);
}

// 0 is what an absent delay means (§3.1.3.2.2).
function delayOf({ delayInterval }: Will): { delayInterval?: number } {
  return delayInterval === 0 ? {} : { delayInterval };
}

import { BufferSink, type ByteSink, SizeSink, varintSize } from "./byte-sink.ts";
import { encodeConnect } from "./encode-connect.ts";
import { encodeProperties, hasProperties } from "./encode-properties.ts";
import type {
  AuthPacket,
  ConnackPacket,
  DisconnectPacket,
  Packet,
  ProtocolVersion,
  PubackPacket,
  PubcompPacket,
  PublishPacket,
  PubrecPacket,
  PubrelPacket,
  SubackPacket,
  SubscribePacket,
  Subscription,
  UnsubackPacket,
  UnsubscribePacket,
} from "./packets.ts";

/** One packet as bytes, always in one buffer, so that it leaves in one TLS record where it fits. */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  const body = new SizeSink();
  writeBody(body, packet, version);
  const sink = new BufferSink(1 + varintSize(body.size) + body.size);
  sink.uint8(firstByte(packet));
  sink.varint(body.size);
  writeBody(sink, packet, version);
  return sink.buffer;
}

const FIRST_BYTE: Record<Packet["type"], number> = {
  connect: 0x10,
  connack: 0x20,
  publish: 0x30,
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  subscribe: 0x82,
  suback: 0x90,
  unsubscribe: 0xa2,
  unsuback: 0xb0,
  pingreq: 0xc0,
  pingresp: 0xd0,
  disconnect: 0xe0,
  auth: 0xf0,
};

function firstByte(packet: Packet): number {
  const base = FIRST_BYTE[packet.type];
  if (packet.type !== "publish") return base;
  return base | (packet.duplicate ? 8 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0);
}

function writeBody(sink: ByteSink, packet: Packet, version: ProtocolVersion): void {
  switch (packet.type) {
    case "publish":
      writePublish(sink, packet, version);
      break;
    case "connect":
      encodeConnect(sink, packet);
      break;
    case "connack":
      writeConnack(sink, packet, version);
      break;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      writeAcknowledgement(sink, packet, version);
      break;
    case "subscribe":
      writeSubscribe(sink, packet, version);
      break;
    case "unsubscribe":
      writeUnsubscribe(sink, packet, version);
      break;
    case "suback":
    case "unsuback":
      writeSuback(sink, packet, version);
      break;
    case "disconnect":
    case "auth":
      writeEnd(sink, packet, version);
      break;
    case "pingreq":
    case "pingresp":
      break;
  }
}

function writePublish(sink: ByteSink, packet: PublishPacket, version: ProtocolVersion): void {
  sink.string(packet.topic);
  if (packet.qos > 0) writePacketId(sink, packet.packetId);
  // Whether subscription identifiers may go out is the caller's to know: only a server has any.
  if (version === 5) encodeProperties(sink, "publish to client", packet.properties);
  sink.bytes(packet.payload);
}

function writePacketId(sink: ByteSink, id: number | undefined): void {
  if (id === undefined || !Number.isInteger(id) || id < 1 || id > 0xffff) {
    throw new RangeError(`packet identifier ${id} is not between 1 and 65,535`);
  }
  sink.uint16(id);
}

function writeConnack(sink: ByteSink, packet: ConnackPacket, version: ProtocolVersion): void {
  sink.uint8(packet.sessionPresent ? 1 : 0);
  sink.uint8(packet.reasonCode);
  if (version === 5) encodeProperties(sink, "connack", packet);
}

type Acknowledgement = PubackPacket | PubrecPacket | PubrelPacket | PubcompPacket;

function writeAcknowledgement(sink: ByteSink, packet: Acknowledgement, version: ProtocolVersion): void {
  writePacketId(sink, packet.packetId);
  if (version === 4) return;
  const withProperties = hasProperties("acknowledgement", packet);
  if (packet.reasonCode === 0 && !withProperties) return;
  sink.uint8(packet.reasonCode);
  if (withProperties) encodeProperties(sink, "acknowledgement", packet);
}

function writeSubscribe(sink: ByteSink, packet: SubscribePacket, version: ProtocolVersion): void {
  writePacketId(sink, packet.packetId);
  if (version === 5) encodeProperties(sink, "subscribe", packet);
  for (const subscription of packet.subscriptions) {
    sink.string(subscription.filter);
    sink.uint8(version === 5 ? subscriptionOptions(subscription) : subscription.qos);
  }
}

function subscriptionOptions({ qos, noLocal, retainAsPublished, retainHandling }: Subscription): number {
  return qos | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0) | (retainHandling << 4);
}

function writeUnsubscribe(sink: ByteSink, packet: UnsubscribePacket, version: ProtocolVersion): void {
  writePacketId(sink, packet.packetId);
  if (version === 5) encodeProperties(sink, "unsubscribe", packet);
  for (const filter of packet.filters) sink.string(filter);
}

function writeSuback(sink: ByteSink, packet: SubackPacket | UnsubackPacket, version: ProtocolVersion): void {
  writePacketId(sink, packet.packetId);
  if (version === 5) encodeProperties(sink, "acknowledgement", packet);
  // An UNSUBACK of 3.1.1 has no payload (§3.11).
  else if (packet.type === "unsuback") return;
  for (const code of packet.reasonCodes) sink.uint8(code);
}

function writeEnd(sink: ByteSink, packet: DisconnectPacket | AuthPacket, version: ProtocolVersion): void {
  if (version === 4) return;
  const withProperties = hasProperties(packet.type, packet);
  if (packet.reasonCode === 0 && !withProperties) return;
  sink.uint8(packet.reasonCode);
  if (withProperties) encodeProperties(sink, packet.type, packet);
}

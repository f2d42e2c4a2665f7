import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeProperties } from "./decode-properties.ts";
import type { ConnectPacket, ProtocolVersion, QoS, Will } from "./packets.ts";
import { NO_PROPERTIES, type Properties } from "./properties.ts";
import { malformed, protocolError, UnsupportedVersionError } from "./protocol-error.ts";

const FLAG = { reserved: 0x01, clean: 0x02, will: 0x04, willRetain: 0x20, password: 0x40, username: 0x80 } as const;
const WILL_DETAILS = 0x38;

export function decodeConnect(cursor: ByteCursor, rules: DecodeRules): ConnectPacket {
  const version = readVersion(cursor);
  const flags = cursor.uint8("connect flags");
  checkFlags(flags, version);
  const keepAlive = cursor.uint16("keep alive");
  const properties = version === 5 ? decodeProperties(cursor, "connect", rules.limits) : NO_PROPERTIES;
  refuseDataWithoutMethod(properties);
  return {
    type: "connect",
    version,
    clientId: cursor.string("client identifier"),
    clean: (flags & FLAG.clean) !== 0,
    keepAlive,
    ...(flags & FLAG.will && { will: readWill(cursor, flags, { ...rules, version, limits: rules.limits }) }),
    ...(flags & FLAG.username && { username: cursor.string("user name") }),
    ...(flags & FLAG.password && { password: cursor.binary("password") }),
    ...properties,
  };
}

function readVersion(cursor: ByteCursor): ProtocolVersion {
  const name = cursor.string("protocol name");
  if (name !== "MQTT" && name !== "MQIsdp") throw malformed("MQTT-3.1.2-1", "the protocol name is not MQTT");
  const level = cursor.uint8("protocol version");
  if (name === "MQTT" && (level === 4 || level === 5)) return level;
  throw new UnsupportedVersionError(name, level);
}

function checkFlags(flags: number, version: ProtocolVersion): void {
  if (flags & FLAG.reserved) throw malformed("MQTT-3.1.2-3", "the reserved connect flag is set");
  if (!(flags & FLAG.will) && flags & WILL_DETAILS) {
    throw malformed("MQTT-3.1.2-11", "will QoS or will retain is set without a will");
  }
  if (willQoS(flags) === 3) throw malformed("MQTT-3.1.2-12", "the will has QoS 3");
  // MQTT 5 allows a password alone (§3.1.2.9).
  if (version === 4 && flags & FLAG.password && !(flags & FLAG.username)) {
    throw malformed("MQTT-3.1.2-22", "a password without a user name");
  }
}

function willQoS(flags: number): number {
  return (flags >> 3) & 3;
}

function readWill(cursor: ByteCursor, flags: number, rules: DecodeRules): Will {
  const all: Properties = rules.version === 5 ? decodeProperties(cursor, "will", rules.limits) : NO_PROPERTIES;
  const { delayInterval = 0, ...properties } = all;
  const topic = cursor.string("will topic");
  if (topic === "" || topic.includes("+") || topic.includes("#")) {
    throw malformed("MQTT-3.1.3-11", "the will topic must be a topic name without wildcards");
  }
  return {
    topic,
    payload: cursor.binary("will payload"),
    qos: willQoS(flags) as QoS,
    retain: (flags & FLAG.willRetain) !== 0,
    delayInterval,
    properties,
  };
}

function refuseDataWithoutMethod(properties: Properties): void {
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw protocolError("§3.1.2.11.10", "authentication data without an authentication method");
  }
}

import { CONNACK_311, type ConnackPacket, type ConnectPacket, REASON } from "@fleetmint/mqtt";
import type { Fault } from "../kit/fault.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import { reasonString, wireCode } from "./refusal-codes.ts";
import { isReserved, topicFault } from "./topic-rules.ts";

/** A CONNECT that is refused for what it says, whoever sent it. */
export interface BadConnect {
  readonly v4: number;
  readonly v5: number;
  readonly message: string;
}

export interface AcceptedConnect {
  readonly sessionPresent: boolean;
  readonly clientId: string;
  /** Undefined where the client gets what it asked for. */
  readonly sessionExpiryInterval: number | undefined;
  readonly retainAvailable: boolean;
  readonly limits: BrokerLimits;
}

export function acceptingConnack(packet: ConnectPacket, answer: AcceptedConnect): ConnackPacket {
  const { sessionPresent, clientId, sessionExpiryInterval, retainAvailable, limits } = answer;
  const base: ConnackPacket = { type: "connack", sessionPresent, reasonCode: REASON.success };
  if (packet.version === 4) return base;
  return {
    ...base,
    ...(sessionExpiryInterval === undefined ? {} : { sessionExpiryInterval }),
    receiveMaximum: limits.inflightPerConnection,
    maximumQoS: 1,
    ...(retainAvailable ? {} : { retainAvailable }),
    maximumPacketSize: limits.packetBytes,
    ...(packet.clientId === "" ? { assignedClientIdentifier: clientId } : {}),
    topicAliasMaximum: limits.topicAliases,
  };
}

export function refusingConnack(packet: ConnectPacket, fault: Fault): ConnackPacket {
  const codes = { v4: wireCode(fault.code, 4), v5: wireCode(fault.code, 5) };
  return connack(packet, codes, reasonString(fault));
}

export function badConnectConnack(packet: ConnectPacket, bad: BadConnect): ConnackPacket {
  // Byte for byte what others answer: the code says all, and the sentence is in our events.
  return connack(packet, bad, undefined);
}

function connack(packet: ConnectPacket, codes: { v4: number; v5: number }, text: string | undefined): ConnackPacket {
  if (packet.version === 4) return { type: "connack", sessionPresent: false, reasonCode: codes.v4 };
  const base: ConnackPacket = { type: "connack", sessionPresent: false, reasonCode: codes.v5 };
  if (text === undefined || packet.requestProblemInformation === false) return base;
  // A Reason String that the client cannot take is left out [MQTT-3.2.2-19].
  const room = packet.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  return Buffer.byteLength(text) + 16 <= room ? { ...base, reasonString: text } : base;
}

/** What is wrong with the packet itself, or undefined. */
export function badConnect(packet: ConnectPacket, limits: BrokerLimits): BadConnect | undefined {
  if (packet.authenticationMethod !== undefined) {
    const message = "Enhanced authentication is not offered; the client certificate is what counts.";
    return { v4: CONNACK_311.notAuthorized, v5: REASON.badAuthenticationMethod, message };
  }
  return badClientId(packet, limits) ?? badWill(packet, limits);
}

function badClientId({ clientId, version, clean }: ConnectPacket, limits: BrokerLimits): BadConnect | undefined {
  const codes = { v4: CONNACK_311.identifierRejected, v5: REASON.clientIdentifierNotValid };
  if (clientId === "" && version === 4 && !clean) {
    return { ...codes, message: "A client without an identifier must ask for a clean session [MQTT-3.1.3-8]." };
  }
  if (Buffer.byteLength(clientId) <= limits.clientIdBytes) return undefined;
  return { ...codes, message: `The client identifier is longer than ${limits.clientIdBytes} bytes.` };
}

function badWill({ will, version }: ConnectPacket, limits: BrokerLimits): BadConnect | undefined {
  if (will === undefined) return undefined;
  // 3.1.1 knows no way to refuse a will for its QoS; there it is published with QoS 1.
  if (will.qos === 2 && version === 5) {
    const message = "The will has QoS 2 and the maximum is 1 [MQTT-3.2.2-12].";
    return { v4: CONNACK_311.notAuthorized, v5: REASON.qosNotSupported, message };
  }
  const fault = isReserved(will.topic) ? undefined : topicFault(will.topic, limits);
  if (fault === undefined) return undefined;
  return { v4: CONNACK_311.notAuthorized, v5: REASON.topicNameInvalid, message: `Will: ${fault.message}.` };
}

// What travels between an MQTT client and a server, as values. The codec turns bytes into these and back.
// Names are the specification's. Every property that 3.1.1 lacks is absent for 3.1.1 connections.

/** 4 is MQTT 3.1.1 (OASIS Standard, 29 October 2014); 5 is MQTT 5.0 (OASIS Standard, 7 March 2019). */
export type ProtocolVersion = 4 | 5;
export type QoS = 0 | 1 | 2;
export type UserProperty = readonly [name: string, value: string];

export interface PublishProperties {
  readonly payloadFormatIndicator?: 0 | 1;
  readonly messageExpiryInterval?: number;
  readonly topicAlias?: number;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: readonly UserProperty[];
  /** Several are possible from server to client [MQTT-3.3.4-3]. */
  readonly subscriptionIdentifiers?: readonly number[];
  readonly contentType?: string;
}

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Seconds; MQTT 5. */
  readonly delayInterval: number;
  readonly properties: PublishProperties;
}

export interface ConnectPacket {
  readonly type: "connect";
  readonly version: ProtocolVersion;
  readonly clientId: string;
  /** "Clean Session" in 3.1.1, "Clean Start" in 5. */
  readonly clean: boolean;
  /** Seconds; 0 switches keep-alive off. */
  readonly keepAlive: number;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly will?: Will;
  /** Seconds; 0xFFFFFFFF never expires. MQTT 5 only. */
  readonly sessionExpiryInterval?: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly topicAliasMaximum?: number;
  readonly requestResponseInformation?: boolean;
  readonly requestProblemInformation?: boolean;
  readonly userProperties?: readonly UserProperty[];
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
}

export interface ConnackPacket {
  readonly type: "connack";
  readonly sessionPresent: boolean;
  /** 3.1.1: 0–5 (and 7, as AWS says for "not authorized"); 5: a reason code. */
  readonly reasonCode: number;
  readonly sessionExpiryInterval?: number;
  readonly receiveMaximum?: number;
  readonly maximumQoS?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly maximumPacketSize?: number;
  readonly assignedClientIdentifier?: string;
  readonly topicAliasMaximum?: number;
  readonly reasonString?: string;
  readonly userProperties?: readonly UserProperty[];
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
  readonly serverKeepAlive?: number;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
}

export interface PublishPacket {
  readonly type: "publish";
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly duplicate: boolean;
  /** Present for QoS 1 and 2. */
  readonly packetId?: number;
  readonly properties: PublishProperties;
}

interface Acknowledgement<Type extends string> {
  readonly type: Type;
  readonly packetId: number;
  /** MQTT 5; 0 where the packet leaves it out. */
  readonly reasonCode: number;
  readonly reasonString?: string;
  readonly userProperties?: readonly UserProperty[];
}

export type PubackPacket = Acknowledgement<"puback">;
export type PubrecPacket = Acknowledgement<"pubrec">;
export type PubrelPacket = Acknowledgement<"pubrel">;
export type PubcompPacket = Acknowledgement<"pubcomp">;

export interface Subscription {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0 send retained messages, 1 only for a new subscription, 2 never [MQTT-3.3.1-9]. */
  readonly retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly subscriptions: readonly Subscription[];
  readonly subscriptionIdentifier?: number;
  readonly userProperties?: readonly UserProperty[];
}

export interface SubackPacket {
  readonly type: "suback";
  readonly packetId: number;
  /** 3.1.1: 0, 1, 2 or 0x80 for each filter; 5: reason codes. */
  readonly reasonCodes: readonly number[];
  readonly reasonString?: string;
  readonly userProperties?: readonly UserProperty[];
}

export interface UnsubscribePacket {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
  readonly userProperties?: readonly UserProperty[];
}

export interface UnsubackPacket {
  readonly type: "unsuback";
  readonly packetId: number;
  /** Empty in 3.1.1. */
  readonly reasonCodes: readonly number[];
  readonly reasonString?: string;
  readonly userProperties?: readonly UserProperty[];
}

export interface PingreqPacket {
  readonly type: "pingreq";
}

export interface PingrespPacket {
  readonly type: "pingresp";
}

export interface DisconnectPacket {
  readonly type: "disconnect";
  readonly reasonCode: number;
  readonly sessionExpiryInterval?: number;
  readonly reasonString?: string;
  readonly userProperties?: readonly UserProperty[];
  readonly serverReference?: string;
}

export interface AuthPacket {
  readonly type: "auth";
  readonly reasonCode: number;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
  readonly reasonString?: string;
  readonly userProperties?: readonly UserProperty[];
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | PubackPacket
  | PubrecPacket
  | PubrelPacket
  | PubcompPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;

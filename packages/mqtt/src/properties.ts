import type { UserProperty } from "./packets.ts";

/** Every property of MQTT 5 §2.2.2.2 under the name that the packets use. */
export interface Properties {
  readonly payloadFormatIndicator?: 0 | 1;
  readonly messageExpiryInterval?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly subscriptionIdentifier?: number;
  readonly subscriptionIdentifiers?: readonly number[];
  readonly sessionExpiryInterval?: number;
  readonly assignedClientIdentifier?: string;
  readonly serverKeepAlive?: number;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
  readonly requestProblemInformation?: boolean;
  readonly delayInterval?: number;
  readonly requestResponseInformation?: boolean;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly reasonString?: string;
  readonly receiveMaximum?: number;
  readonly topicAliasMaximum?: number;
  readonly topicAlias?: number;
  readonly maximumQoS?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly userProperties?: readonly UserProperty[];
  readonly maximumPacketSize?: number;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
}

export type PropertyKind = "bit" | "flag" | "uint16" | "uint32" | "varint" | "string" | "binary" | "pair";

/** Where properties stand. A client's PUBLISH and a server's differ in one (subscription identifiers). */
export type PropertyPlace =
  | "connect"
  | "will"
  | "connack"
  | "publish to server"
  | "publish to client"
  | "acknowledgement"
  | "subscribe"
  | "unsubscribe"
  | "disconnect"
  | "auth";

export interface PropertyRule {
  readonly id: number;
  readonly name: keyof Properties;
  readonly kind: PropertyKind;
  readonly places: readonly PropertyPlace[];
  /** Zero is a fault. */
  readonly positive: boolean;
}

const PUBLISH = ["publish to server", "publish to client"] as const;
const MESSAGE = ["will", ...PUBLISH] as const;
const ANSWER = ["connack", "acknowledgement", "disconnect", "auth"] as const;
const EVERYWHERE = ["connect", "subscribe", "unsubscribe", ...MESSAGE, ...ANSWER] as const;
const LOGIN = ["connect", "connack", "auth"] as const;

function rule(id: number, name: keyof Properties, kind: PropertyKind, places: readonly PropertyPlace[]): PropertyRule {
  return { id, name, kind, places, positive: false };
}

function positive(of: PropertyRule): PropertyRule {
  return { ...of, positive: true };
}

/** MQTT 5 §2.2.2.2. "bit" stays a number (0 or 1), "flag" becomes a boolean. */
export const PROPERTY_RULES: readonly PropertyRule[] = [
  rule(0x01, "payloadFormatIndicator", "bit", MESSAGE),
  rule(0x02, "messageExpiryInterval", "uint32", MESSAGE),
  rule(0x03, "contentType", "string", MESSAGE),
  rule(0x08, "responseTopic", "string", MESSAGE),
  rule(0x09, "correlationData", "binary", MESSAGE),
  // One identifier, two homes: a subscription names itself once, a message names all subscriptions it was sent for.
  positive(rule(0x0b, "subscriptionIdentifier", "varint", ["subscribe"])),
  positive(rule(0x0b, "subscriptionIdentifiers", "varint", ["publish to client"])),
  rule(0x11, "sessionExpiryInterval", "uint32", ["connect", "connack", "disconnect"]),
  rule(0x12, "assignedClientIdentifier", "string", ["connack"]),
  rule(0x13, "serverKeepAlive", "uint16", ["connack"]),
  rule(0x15, "authenticationMethod", "string", LOGIN),
  rule(0x16, "authenticationData", "binary", LOGIN),
  rule(0x17, "requestProblemInformation", "flag", ["connect"]),
  rule(0x18, "delayInterval", "uint32", ["will"]),
  rule(0x19, "requestResponseInformation", "flag", ["connect"]),
  rule(0x1a, "responseInformation", "string", ["connack"]),
  rule(0x1c, "serverReference", "string", ["connack", "disconnect"]),
  rule(0x1f, "reasonString", "string", ANSWER),
  positive(rule(0x21, "receiveMaximum", "uint16", ["connect", "connack"])),
  rule(0x22, "topicAliasMaximum", "uint16", ["connect", "connack"]),
  positive(rule(0x23, "topicAlias", "uint16", PUBLISH)),
  rule(0x24, "maximumQoS", "bit", ["connack"]),
  rule(0x25, "retainAvailable", "flag", ["connack"]),
  rule(0x26, "userProperties", "pair", EVERYWHERE),
  positive(rule(0x27, "maximumPacketSize", "uint32", ["connect", "connack"])),
  rule(0x28, "wildcardSubscriptionAvailable", "flag", ["connack"]),
  rule(0x29, "subscriptionIdentifiersAvailable", "flag", ["connack"]),
  rule(0x2a, "sharedSubscriptionAvailable", "flag", ["connack"]),
];

/** The one object for "no properties", so that the usual packet allocates none and is recognised by identity. */
export const NO_PROPERTIES: Properties = Object.freeze({});

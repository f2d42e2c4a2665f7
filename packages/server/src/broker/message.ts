import type { PublishPacket, PublishProperties, QoS, Will } from "@fleetmint/mqtt";
import type { Message } from "./ports.ts";

/** What one subscriber gets of a message. */
export interface Share {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[] | undefined;
}

/** The highest QoS there is here (CONNACK says Maximum QoS 1). */
export function atMostOne(qos: number): 0 | 1 {
  return qos === 0 ? 0 : 1;
}

/** A received PUBLISH as a message: the alias was resolved, the expiry became a moment. */
export function messageOf(packet: PublishPacket, topic: string, nowMs: number): Message {
  const { payload, qos, retain, properties } = packet;
  return { topic, payload, qos, retain, properties: forwarded(properties), expiresAtMs: expiry(properties, nowMs) };
}

export function messageOfWill(will: Will, nowMs: number): Message {
  const { topic, payload, retain, properties } = will;
  return {
    topic,
    payload,
    qos: atMostOne(will.qos),
    retain,
    properties: forwarded(properties),
    expiresAtMs: expiry(properties, nowMs),
  };
}

export function shareOf(message: Message, share: Share): Message {
  const { qos, retain, subscriptionIdentifiers } = share;
  if (qos === message.qos && retain === message.retain && subscriptionIdentifiers === undefined) return message;
  const properties =
    subscriptionIdentifiers === undefined ? message.properties : { ...message.properties, subscriptionIdentifiers };
  return { ...message, qos, retain, properties };
}

/** The properties to send now: what is left of the expiry interval, never what came in [MQTT-3.3.2-6]. */
export function propertiesNow(message: Message, nowMs: number): PublishProperties {
  if (message.expiresAtMs === undefined) return message.properties;
  const left = Math.max(0, Math.ceil((message.expiresAtMs - nowMs) / 1000));
  return { ...message.properties, messageExpiryInterval: left };
}

export function isExpired(message: Message, nowMs: number): boolean {
  return message.expiresAtMs !== undefined && message.expiresAtMs <= nowMs;
}

/** What a kept message costs: a client may send a hundred kilobytes of properties beside one byte of payload. */
export function sizeOf({ topic, payload, properties }: Message): number {
  const { contentType = "", responseTopic = "", correlationData, userProperties = [] } = properties;
  const user = userProperties.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  const beside = contentType.length + responseTopic.length + (correlationData?.length ?? 0) + user;
  return topic.length + payload.length + beside;
}

// The alias belongs to the publisher's connection and the expiry is kept as a moment.
function forwarded(properties: PublishProperties): PublishProperties {
  const { topicAlias, messageExpiryInterval, ...rest } = properties;
  return topicAlias === undefined && messageExpiryInterval === undefined ? properties : rest;
}

function expiry({ messageExpiryInterval }: PublishProperties, nowMs: number): number | undefined {
  return messageExpiryInterval === undefined ? undefined : nowMs + messageExpiryInterval * 1000;
}

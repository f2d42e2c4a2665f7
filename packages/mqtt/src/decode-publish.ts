import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeProperties } from "./decode-properties.ts";
import type { PublishPacket, PublishProperties, QoS } from "./packets.ts";
import { NO_PROPERTIES } from "./properties.ts";
import { malformed } from "./protocol-error.ts";

export function decodePublish(first: number, cursor: ByteCursor, rules: DecodeRules): PublishPacket {
  const qos = ((first >> 1) & 3) as QoS;
  const topic = readTopic(cursor);
  const packetId = qos === 0 ? undefined : cursor.packetId();
  const place = rules.role === "server" ? "publish to server" : "publish to client";
  const properties = rules.version === 5 ? decodeProperties(cursor, place, rules.limits) : NO_PROPERTIES;
  refuseNameless(topic, properties);
  const message = {
    type: "publish",
    topic,
    payload: cursor.rest(),
    qos,
    retain: (first & 1) === 1,
    duplicate: (first & 8) !== 0,
  } as const;
  return packetId === undefined ? { ...message, properties } : { ...message, packetId, properties };
}

function readTopic(cursor: ByteCursor): string {
  const topic = cursor.string("topic name");
  if (topic.includes("+") || topic.includes("#")) {
    throw malformed("MQTT-3.3.2-2", "the topic name of a PUBLISH contains a wildcard");
  }
  return topic;
}

/** Only a topic alias may stand in for the name [MQTT-4.7.3-1] (§3.3.2.1). */
function refuseNameless(topic: string, properties: PublishProperties): void {
  if (topic === "" && properties.topicAlias === undefined) {
    throw malformed("MQTT-4.7.3-1", "the topic name of a PUBLISH is empty");
  }
}

import type { ConnackPacket, PublishPacket } from "../packets.ts";
import { NO_PROPERTIES } from "../properties.ts";
import { validateTopicFilter, validateTopicName } from "../topics/topic-filter.ts";
import { isCleanText } from "../utf8.ts";
import type { PublishRequest } from "./client-options.ts";

export function messageOf({ topic, payload, qos = 0, retain = false, properties }: PublishRequest): PublishPacket {
  return {
    type: "publish",
    topic,
    payload: typeof payload === "string" ? Buffer.from(payload) : payload,
    qos,
    retain,
    duplicate: false,
    properties: properties ?? NO_PROPERTIES,
  };
}

/** Refuses here, with a sentence, what the server would answer with the end of the connection. */
export function checkMessage(message: PublishPacket, connack: ConnackPacket): void {
  const fault = validateTopicName(message.topic);
  if (fault !== undefined) throw new RangeError(`cannot publish to "${message.topic}": ${fault.message}`);
  checkText(message.topic);
  if (message.qos > (connack.maximumQoS ?? 1)) {
    throw new RangeError(`the server takes QoS ${connack.maximumQoS} at most, not ${message.qos}`);
  }
  if (message.retain && connack.retainAvailable === false) {
    throw new RangeError("the server does not keep retained messages; publish without retain");
  }
}

export function checkFilter(filter: string): void {
  const fault = validateTopicFilter(filter);
  if (fault !== undefined) throw new RangeError(`cannot use the topic filter "${filter}": ${fault.message}`);
  checkText(filter);
}

function checkText(topic: string): void {
  if (!isCleanText(topic)) {
    throw new RangeError("a topic contains a control character, a surrogate or a non-character; servers refuse it");
  }
}

import { parseSharedFilter, type TopicFault, validateTopicFilter, validateTopicName } from "@fleetmint/mqtt";
import type { BrokerLimits } from "./broker-limits.ts";

/** What is wrong with a topic a client publishes to: its syntax, or AWS's limits on length and depth. */
export function topicFault(topic: string, limits: BrokerLimits): TopicFault | undefined {
  return validateTopicName(topic, { bytes: limits.topicBytes, levels: limits.topicLevels });
}

export function filterFault(filter: string, limits: BrokerLimits): TopicFault | undefined {
  return validateTopicFilter(judgedFilter(filter), { bytes: limits.topicBytes, levels: limits.topicLevels });
}

/** What policy and limits judge of a filter: a shared subscription reads the same messages as its filter does. */
export function judgedFilter(filter: string): string {
  return parseSharedFilter(filter)?.filter ?? filter;
}

/** `$aws/…` and the like. A shared subscription only looks so. */
export function isReserved(topic: string): boolean {
  return topic.charCodeAt(0) === 0x24;
}

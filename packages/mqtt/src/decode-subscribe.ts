import type { ByteCursor } from "./byte-cursor.ts";
import type { DecodeRules } from "./codec-limits.ts";
import { decodeProperties } from "./decode-properties.ts";
import type { QoS, SubscribePacket, Subscription, UnsubscribePacket } from "./packets.ts";
import { NO_PROPERTIES } from "./properties.ts";
import { malformed, overLimit, protocolError } from "./protocol-error.ts";
import { isSharedFilter, validateTopicFilter } from "./topics/topic-filter.ts";

export function decodeSubscribe(cursor: ByteCursor, rules: DecodeRules): SubscribePacket {
  const packetId = cursor.packetId();
  const properties = rules.version === 5 ? decodeProperties(cursor, "subscribe", rules.limits) : NO_PROPERTIES;
  const subscriptions = readList(cursor, rules, "MQTT-3.8.3-2", () => readSubscription(cursor, rules));
  return { type: "subscribe", packetId, subscriptions, ...properties };
}

export function decodeUnsubscribe(cursor: ByteCursor, rules: DecodeRules): UnsubscribePacket {
  const packetId = cursor.packetId();
  const properties = rules.version === 5 ? decodeProperties(cursor, "unsubscribe", rules.limits) : NO_PROPERTIES;
  const filters = readList(cursor, rules, "MQTT-3.10.3-2", () => readFilter(cursor));
  return { type: "unsubscribe", packetId, filters, ...properties };
}

function readList<T>(cursor: ByteCursor, { limits }: DecodeRules, clause: string, readOne: () => T): T[] {
  const list: T[] = [];
  do {
    if (list.length >= limits.filtersPerPacket) {
      throw overLimit("filtersPerPacket", `more than ${limits.filtersPerPacket} topic filters in one packet`);
    }
    if (cursor.remaining === 0) throw malformed(clause, "no topic filter");
    list.push(readOne());
  } while (cursor.remaining > 0);
  return list;
}

function readFilter(cursor: ByteCursor): string {
  const filter = cursor.string("topic filter");
  const fault = validateTopicFilter(filter);
  if (fault === undefined) return filter;
  throw fault.shared ? protocolError(fault.clause, fault.message) : malformed(fault.clause, fault.message);
}

function readSubscription(cursor: ByteCursor, { version }: DecodeRules): Subscription {
  const filter = readFilter(cursor);
  const options = cursor.uint8("subscription options");
  if (options & (version === 5 ? 0xc0 : 0xfc)) throw malformed("MQTT-3.8.3-5", "reserved subscription options are set");
  const qos = options & 3;
  if (qos === 3) throw malformed("MQTT-3.8.3-4", "a subscription asks for QoS 3");
  const noLocal = (options & 0x04) !== 0;
  if (noLocal && isSharedFilter(filter)) throw protocolError("MQTT-3.8.3-4", "no-local on a shared subscription");
  return {
    filter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & 0x08) !== 0,
    retainHandling: readRetainHandling(options),
  };
}

function readRetainHandling(options: number): Subscription["retainHandling"] {
  const handling = (options >> 4) & 3;
  if (handling === 3) throw malformed("§3.8.3.1", "retain handling is 3");
  return handling as Subscription["retainHandling"];
}

import {
  isSharedFilter,
  type ProtocolVersion,
  REASON,
  type SubscribePacket,
  type Subscription,
  type UnsubscribePacket,
} from "@fleetmint/mqtt";
import type { Connection } from "./connection.ts";
import { atMostOne, shareOf } from "./message.ts";
import type { Session } from "./session.ts";
import { filterFault, isReserved, judgedFilter } from "./topic-rules.ts";

interface Granted {
  readonly subscription: Subscription;
  readonly isNew: boolean;
}

export function receiveSubscribe(connection: Connection, packet: SubscribePacket): void {
  const { session } = connection.opened;
  // Each filter may cost a write and a search of what is retained, so it counts like a message.
  if (!connection.counts(packet.subscriptions.length)) return;
  const granted: Granted[] = [];
  const reasonCodes = packet.subscriptions.map((asked) => {
    const refusal = judge(connection, asked.filter);
    if (refusal !== undefined) return connection.version === 5 ? refusal : REASON.unspecifiedError;
    const subscription = { ...asked, qos: atMostOne(asked.qos) };
    const subscriptionIdentifier = packet.subscriptionIdentifier;
    const isNew = connection.context.sessions.subscribe(session, { ...subscription, subscriptionIdentifier });
    granted.push({ subscription, isNew });
    return subscription.qos;
  });
  const answer = () => {
    connection.wire.send({ type: "suback", packetId: packet.packetId, reasonCodes });
    for (const one of granted) sendRetained(connection, one, packet.subscriptionIdentifier);
  };
  if (granted.length === 0 || !session.durable) answer();
  else saveAndAnswer(connection, packet, { granted, answer });
}

/** A subscription that is acknowledged survives a restart. */
function saveAndAnswer(
  connection: Connection,
  { packetId, subscriptions }: SubscribePacket,
  { granted, answer }: { granted: readonly Granted[]; answer: () => void },
): void {
  const { context, opened } = connection;
  context.sessions.save(opened.session).then(answer, (error: unknown) => {
    connection.context.background.failed(error);
    for (const { subscription, isNew } of granted) {
      if (isNew) context.sessions.unsubscribe(opened.session, subscription.filter);
    }
    connection.wire.send({ type: "suback", packetId, reasonCodes: subscriptions.map(() => REASON.unspecifiedError) });
  });
}

/** The MQTT 5 code of a refusal; undefined to grant. */
function judge(connection: Connection, filter: string): number | undefined {
  const { context, admitted, opened } = connection;
  const fault = filterFault(filter, context.limits);
  if (fault !== undefined) {
    connection.report("subscribe_not_authorized", `${fault.message}.`);
    return REASON.topicFilterInvalid;
  }
  if (!admitted.authorizer.subscribe(judgedFilter(filter))) {
    connection.report("subscribe_not_authorized", `No policy allows to subscribe to ${filter}.`);
    return REASON.notAuthorized;
  }
  const { entries } = opened.session;
  if (entries.has(filter) || entries.size < context.limits.subscriptionsPerConnection) return undefined;
  connection.report("limit_reached", `A connection may have ${entries.size} subscriptions.`);
  return REASON.quotaExceeded;
}

/** MQTT 5 §3.3.1.3; 3.1.1 always sends them [MQTT-3.3.1-6]. Shared subscriptions get none. */
function sendRetained(connection: Connection, { subscription, isNew }: Granted, identifier: number | undefined): void {
  const { filter, qos, retainHandling } = subscription;
  if (retainHandling === 2 || (retainHandling === 1 && !isNew)) return;
  if (isReserved(filter) || isSharedFilter(filter) || connection.state !== "open") return;
  const { delivery } = connection.opened;
  const subscriptionIdentifiers = identifier === undefined ? undefined : [identifier];
  for (const message of connection.context.retained.matching(filter)) {
    const share = shareOf(message, {
      qos: atMostOne(Math.min(qos, message.qos)),
      retain: true,
      subscriptionIdentifiers,
    });
    if (share.qos === 0) delivery.sendAtMostOnce(share);
    else delivery.sendAtLeastOnce(share);
  }
}

export function receiveUnsubscribe(connection: Connection, packet: UnsubscribePacket): void {
  const { context, opened, version } = connection;
  const { session } = opened;
  if (!connection.counts(packet.filters.length)) return;
  const found = packet.filters.map((filter) => context.sessions.unsubscribe(session, filter));
  const answer = () => connection.wire.send(unsuback(packet.packetId, found, version));
  if (!session.durable || !found.includes(true)) answer();
  else saveUnsubscribed(connection, session, answer);
}

function saveUnsubscribed(connection: Connection, session: Session, answer: () => void): void {
  connection.context.sessions.save(session).then(answer, (error: unknown) => {
    // Without its acknowledgement the client asks again; delivering less meanwhile is what it wanted.
    connection.context.background.failed(error);
  });
}

function unsuback(packetId: number, found: readonly boolean[], version: ProtocolVersion) {
  const codes = found.map((was) => (was ? REASON.success : REASON.noSubscriptionExisted));
  return { type: "unsuback", packetId, reasonCodes: version === 5 ? codes : [] } as const;
}

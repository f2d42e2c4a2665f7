import { MqttProtocolError, type PublishPacket, REASON } from "@fleetmint/mqtt";
import { Fault } from "../kit/fault.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { Connection } from "./connection.ts";
import { accept } from "./context.ts";
import { messageOf } from "./message.ts";
import type { Message } from "./ports.ts";
import { isReserved, topicFault } from "./topic-rules.ts";

export function receivePublish(connection: Connection, packet: PublishPacket): void {
  const { context } = connection;
  if (!connection.counts(1)) return;
  const named = judgeSyntax(connection, packet);
  if (named === undefined) return;
  const fault = judge(connection, named);
  if (fault !== undefined) {
    // AWS closes the connection, and devices are written for that; a QoS 0 publisher could not be told in another way.
    connection.refuse(fault);
    return;
  }
  if (isReserved(named.topic)) connection.reservedQueue.add(named);
  else take(connection, messageOf(named, named.topic, context.ports.clock.now()), named.packetId);
}

/** The packet under its topic's name, or undefined after the connection was ended for breaking the specification. */
function judgeSyntax(connection: Connection, packet: PublishPacket): PublishPacket | undefined {
  const { limits } = connection.context;
  const broken = (reasonCode: number, clause: string, message: string) => {
    connection.protocolError(reasonCode, clause, message);
    return undefined;
  };
  if (packet.qos === 2) return broken(REASON.qosNotSupported, "MQTT-3.2.2-11", "QoS 2 is over the announced maximum");
  if (
    packet.qos === 1 &&
    connection.version === 5 &&
    connection.acknowledgements.size >= limits.inflightPerConnection
  ) {
    return broken(REASON.receiveMaximumExceeded, "MQTT-3.3.4-9", "more unacknowledged messages than announced");
  }
  let named = packet;
  if (packet.properties.topicAlias !== undefined) {
    try {
      named = connection.aliases.resolve(packet);
    } catch (error) {
      if (!(error instanceof MqttProtocolError)) throw error;
      connection.onProtocolError(error);
      return undefined;
    }
  }
  const fault = topicFault(named.topic, limits);
  return fault === undefined ? named : broken(REASON.topicNameInvalid, fault.clause, fault.message);
}

function judge({ admitted, context }: Connection, { topic, retain }: PublishPacket): Fault | undefined {
  const { principal, authorizer } = admitted;
  if (retain && principal.kind === "claim")
    return refusal("claim_connect_refused", "A claim connection may not retain.");
  if (!authorizer.publish(topic, retain)) {
    return refusal("publish_not_authorized", `No policy allows to publish${retain ? " and retain" : ""} on ${topic}.`);
  }
  if (!isReserved(topic)) return undefined;
  if (retain) return refusal("publish_not_authorized", `Nothing can be retained on ${topic}.`);
  return context.ports.reserved.accepts(topic)
    ? undefined
    : refusal("operation_unknown", `Nothing answers on ${topic}.`);
}

function refusal(code: FaultCode, message: string): Fault {
  return new Fault(code, message);
}

function take(connection: Connection, message: Message, packetId: number | undefined): void {
  const { context, opened } = connection;
  if (message.retain && !context.retained.fits(message)) {
    refuseToRetain(connection, message, packetId);
    return;
  }
  const { matched, settled } = accept(context, message, opened.session);
  const reasonCode = matched || message.retain ? REASON.success : REASON.noMatchingSubscribers;
  if (packetId !== undefined) acknowledge(connection, { packetId, reasonCode, settled });
  else if (settled !== undefined) context.background.run(settled);
}

/** PUBACK, once whatever must be durable is. */
function acknowledge(
  connection: Connection,
  { packetId, reasonCode, settled }: { packetId: number; reasonCode: number; settled: Promise<void> | undefined },
): void {
  const { acknowledgements } = connection;
  const puback = { type: "puback", packetId, reasonCode } as const;
  if (settled === undefined) {
    acknowledgements.send(puback);
    return;
  }
  const fill = acknowledgements.reserve();
  settled.then(
    () => fill(puback),
    (error: unknown) => {
      connection.context.background.failed(error);
      // 3.1.1 has no negative PUBACK: without one the client keeps the message and sends it again.
      if (connection.version === 5) fill({ ...puback, reasonCode: REASON.unspecifiedError });
      else connection.end(new Fault("store_unavailable"));
    },
  );
}

/** The message is refused as a whole: half of it, delivered but not retained, is what nobody asked for. */
function refuseToRetain(connection: Connection, { topic }: Message, packetId: number | undefined): void {
  const { version, acknowledgements } = connection;
  const fault = new Fault("limit_reached", `There is no room to retain a message on ${topic}.`);
  if (version === 4) {
    connection.refuse(fault);
    return;
  }
  connection.report(fault.code, fault.message);
  if (packetId !== undefined) acknowledgements.send({ type: "puback", packetId, reasonCode: REASON.quotaExceeded });
}

import { matchTopic, type PublishPacket, REASON } from "@fleetmint/mqtt";
import { Fault } from "../kit/fault.ts";
import type { Connection } from "./connection.ts";
import { atMostOne } from "./message.ts";
import type { Message } from "./ports.ts";
import { PAUSE } from "./wire.ts";

/**
 * Requests on reserved topics of one connection. A few are under way at once; the rest wait, and meanwhile nothing more is
 * read. Answers go to this connection alone: all devices of a fleet subscribe to the same answer topics.
 */
export class ReservedQueue {
  readonly #connection: Connection;
  #waiting: PublishPacket[] = [];
  #underWay = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  add(packet: PublishPacket): void {
    if (this.#underWay < this.#connection.context.limits.reservedInFlight) {
      void this.#handle(packet);
      return;
    }
    this.#waiting.push(packet);
    this.#connection.wire.pause(PAUSE.requests);
  }

  async #handle(packet: PublishPacket): Promise<void> {
    const connection = this.#connection;
    const { ports } = connection.context;
    this.#underWay++;
    if (packet.packetId !== undefined) this.#acknowledge(packet.packetId);
    try {
      await ports.reserved.handle({
        principal: connection.admitted.principal,
        clientId: connection.request.clientId,
        remoteAddress: connection.request.remoteAddress,
        topic: packet.topic,
        payload: packet.payload,
        reply: (topic, payload) => reply(connection, topic, payload),
      });
    } catch (error) {
      ports.log.error("a request on a reserved topic failed", { error, topic: packet.topic });
    } finally {
      this.#underWay--;
      connection.wire.flush();
      this.#next();
    }
  }

  /** The request is in good hands. The acknowledgement leaves with the answer, or a moment later if that takes long. */
  #acknowledge(packetId: number): void {
    const puback = { type: "puback", packetId, reasonCode: REASON.success } as const;
    const { wire, acknowledgements } = this.#connection;
    if (acknowledgements.size === 0) wire.sendSoon(puback);
    else acknowledgements.send(puback);
  }

  #next(): void {
    const packet = this.#connection.state === "open" ? this.#waiting.shift() : undefined;
    if (this.#waiting.length === 0) this.#connection.wire.resume(PAUSE.requests);
    if (packet === undefined) return;
    // What it may do can have changed while the request waited: a quarantined device stays connected.
    const { authorizer } = this.#connection.admitted;
    if (authorizer.publish(packet.topic, false)) void this.#handle(packet);
    else this.#connection.refuse(new Fault("publish_not_authorized"));
  }
}

/** Publishes to the one who asked, at the QoS it subscribed with; without a subscription at QoS 0, as AWS may. */
function reply(connection: Connection, topic: string, payload: Uint8Array): void {
  if (connection.state !== "open") return;
  const { delivery, session } = connection.opened;
  let qos: 0 | 1 = 0;
  let identifiers: number[] | undefined;
  for (const { subscription } of session.entries.values()) {
    if (!matchTopic(subscription.filter, topic)) continue;
    if (atMostOne(subscription.qos) === 1) qos = 1;
    if (subscription.subscriptionIdentifier !== undefined) {
      identifiers = [...(identifiers ?? []), subscription.subscriptionIdentifier];
    }
  }
  const properties = identifiers === undefined ? {} : { subscriptionIdentifiers: identifiers };
  const message: Message = { topic, payload, qos, retain: false, properties, expiresAtMs: undefined };
  if (qos === 0) delivery.sendAtMostOnce(message);
  else delivery.sendAtLeastOnce(message);
}

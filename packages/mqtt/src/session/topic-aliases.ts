import type { PublishPacket } from "../packets.ts";
import { MqttProtocolError } from "../protocol-error.ts";
import { REASON } from "../reason-codes.ts";

/** What the peer's aliases on this connection mean (§3.3.2.3.4). `maximum` is the Topic Alias Maximum we announced. */
export class InboundTopicAliases {
  readonly #maximum: number;
  readonly #names = new Map<number, string>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The packet under its name and without its alias, which means nothing on any other connection. */
  resolve(packet: PublishPacket): PublishPacket {
    const { topicAlias, ...properties } = packet.properties;
    if (topicAlias === undefined) return packet;
    if (topicAlias > this.#maximum) {
      throw fault("MQTT-3.3.2-9", `topic alias ${topicAlias} is over the announced maximum of ${this.#maximum}`);
    }
    if (packet.topic !== "") this.#names.set(topicAlias, packet.topic);
    const topic = this.#names.get(topicAlias);
    if (topic === undefined) throw fault("§3.3.4", `topic alias ${topicAlias} was never given a topic name`);
    return { ...packet, topic, properties };
  }
}

function fault(clause: string, message: string): MqttProtocolError {
  return new MqttProtocolError(REASON.topicAliasInvalid, clause, message);
}

/** Gives aliases to the first topics sent, up to what the peer allows; the others keep their names. */
export class OutboundTopicAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  apply(packet: PublishPacket): PublishPacket {
    const known = this.#aliases.get(packet.topic);
    if (known !== undefined) {
      return { ...packet, topic: "", properties: { ...packet.properties, topicAlias: known } };
    }
    if (this.#aliases.size >= this.#maximum) return packet;
    const topicAlias = this.#aliases.size + 1;
    this.#aliases.set(packet.topic, topicAlias);
    return { ...packet, properties: { ...packet.properties, topicAlias } };
  }
}

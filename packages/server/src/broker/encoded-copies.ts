import { encodePacket, type ProtocolVersion, type PublishPacket } from "@fleetmint/mqtt";
import { propertiesNow } from "./message.ts";
import type { Message } from "./ports.ts";

/** The bytes of one message for everyone who gets it in the same form, made at most once for each form. */
export class EncodedCopies {
  readonly #forms: { message: Message; version: ProtocolVersion; bytes: Uint8Array }[] = [];

  encode(message: Message, version: ProtocolVersion, nowMs: number): Uint8Array {
    for (const form of this.#forms) if (form.message === message && form.version === version) return form.bytes;
    const bytes = encodePacket(publishPacket(message, nowMs), version);
    this.#forms.push({ message, version, bytes });
    return bytes;
  }
}

/** QoS 1 where it was given a packet id, else QoS 0. */
export function publishPacket(
  message: Message,
  nowMs: number,
  sent?: { packetId: number; duplicate: boolean },
): PublishPacket {
  const { topic, payload, retain } = message;
  const properties = propertiesNow(message, nowMs);
  if (sent === undefined) return { type: "publish", topic, payload, qos: 0, retain, duplicate: false, properties };
  return { type: "publish", topic, payload, qos: 1, retain, properties, ...sent };
}

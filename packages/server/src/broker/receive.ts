import {
  type DisconnectPacket,
  type Packet,
  type PubcompPacket,
  type PubrecPacket,
  type PubrelPacket,
  REASON,
} from "@fleetmint/mqtt";
import type { Connection } from "./connection.ts";
import { receivePublish } from "./receive-publish.ts";
import { receiveSubscribe, receiveUnsubscribe } from "./receive-subscribe.ts";

/** What a packet does on an open connection. */
export function receive(connection: Connection, packet: Packet): void {
  switch (packet.type) {
    case "publish":
      receivePublish(connection, packet);
      break;
    case "puback":
      connection.opened.delivery.acknowledged(packet.packetId);
      break;
    case "subscribe":
      receiveSubscribe(connection, packet);
      break;
    case "unsubscribe":
      receiveUnsubscribe(connection, packet);
      break;
    case "pingreq":
      connection.wire.send({ type: "pingresp" });
      break;
    case "disconnect":
      receiveDisconnect(connection, packet);
      break;
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      receiveQoS2(connection, packet);
      break;
    default:
      // The reader lets no other packet through to a server; should it ever, this is what the client did.
      connection.protocolError(REASON.protocolError, "§2.1.2", `${packet.type} must not be sent to a server`);
  }
}

/**
 * There is no QoS 2 here, so these answer nothing of ours. For a QoS 1 message of ours they break the specification; for
 * an id we do not know they are answered as if the exchange had been completed, which ends a client's retry.
 */
function receiveQoS2(
  connection: Connection,
  { type, packetId, reasonCode }: PubrecPacket | PubrelPacket | PubcompPacket,
) {
  if (type === "pubrel") {
    connection.wire.send({ type: "pubcomp", packetId, reasonCode: REASON.success });
  } else if (connection.opened.delivery.isInflight(packetId)) {
    connection.protocolError(REASON.protocolError, "§4.3.2", `${type} answers a message of QoS 1`);
  } else if (type === "pubrec" && reasonCode < REASON.unspecifiedError) {
    connection.wire.send({ type: "pubrel", packetId, reasonCode: REASON.success });
  }
}

function receiveDisconnect(connection: Connection, packet: DisconnectPacket): void {
  const { session } = connection.opened;
  const expirySeconds = packet.sessionExpiryInterval;
  if (expirySeconds !== undefined) {
    if (session.expirySeconds === 0 && expirySeconds !== 0) {
      const message = "the session expiry was 0 in CONNECT and cannot be raised in DISCONNECT";
      connection.protocolError(REASON.protocolError, "MQTT-3.14.2-2", message);
      return;
    }
    connection.changeExpiry(expirySeconds);
  }
  // 3.1.1 has one DISCONNECT, which takes the will back [MQTT-3.14.4-3].
  connection.leave(connection.version === 5 && packet.reasonCode !== REASON.success);
}

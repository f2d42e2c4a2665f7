// CONNECT → principal: judge the packet, ask for the verdict, register, look once more, open the session, answer.
import { type ConnectPacket, encodePacket } from "@fleetmint/mqtt";
import { Fault } from "../kit/fault.ts";
import { sessionKey } from "./client-ids.ts";
import { acceptingConnack, badConnect, badConnectConnack } from "./connack.ts";
import type { Connection } from "./connection.ts";
import { type ClientBounds, Delivery } from "./delivery.ts";
import type { Admitted, ConnectRequest } from "./ports.ts";
import { dropRefusedSubscriptions } from "./refused-subscriptions.ts";
import { type Session, sessionName } from "./session.ts";
import { grantedExpiry } from "./sessions.ts";
import { isReserved } from "./topic-rules.ts";

/** More than MQTT can express, so: no bound, no end. */
const UNLIMITED = 0xffffffff;

export async function acceptConnect(connection: Connection, packet: ConnectPacket): Promise<void> {
  const { log } = connection.context.ports;
  const bad = badConnect(packet, connection.context.limits);
  if (bad !== undefined) {
    connection.report("protocol_error", bad.message);
    connection.turnAway(badConnectConnack(packet, bad));
    return;
  }
  const request = requestOf(connection, packet);
  try {
    await admitAndOpen(connection, packet, request);
  } catch (error) {
    if (!(error instanceof Fault)) log.error("CONNECT failed", { error, clientId: request.clientId });
    connection.refuse(error instanceof Fault ? error : new Fault("internal_error", undefined, { cause: error }));
  }
}

async function admitAndOpen(connection: Connection, packet: ConnectPacket, request: ConnectRequest): Promise<void> {
  const { ports, live } = connection.context;
  const position = live.position;
  const admitted = await ports.admission.admit(request);
  if (connection.state !== "deciding") return;
  connection.admit(admitted, request);
  judge(admitted, request, packet);
  connection.enter(sessionName(sessionKey(admitted, request.clientId)));
  // A revocation between the verdict and the registration found nobody to end; so what came meanwhile is looked at now.
  if (live.changedSince(position, admitted)) await live.readmit(connection);
  if (connection.state === "deciding") await openSession(connection, packet);
}

/** The rules that hold whoever asks, and those of claims (the product's "Claim connections"). */
function judge({ authorizer, principal }: Admitted, request: ConnectRequest, { will }: ConnectPacket): void {
  if (principal.kind === "claim" && will !== undefined) {
    throw new Fault("claim_connect_refused", "A claim connection may have no will.");
  }
  if (!authorizer.connect({ persistent: request.persistent, willTopic: will?.topic })) {
    throw new Fault("connect_not_authorized", `No policy allows to connect as ${request.clientId}.`);
  }
  if (will !== undefined && (isReserved(will.topic) || !authorizer.publish(will.topic, will.retain))) {
    throw new Fault("will_not_authorized", `No policy allows to publish the will on ${will.topic}.`);
  }
}

async function openSession(connection: Connection, packet: ConnectPacket): Promise<void> {
  const { context, request, admitted } = connection;
  const key = sessionKey(admitted, request.clientId);
  const name = sessionName(key);
  const asked = askedExpiry(packet);
  // A claim's session ends with its connection, whatever was asked for: AWS's SDKs ask with clean=false.
  const expirySeconds = admitted.principal.kind === "claim" ? 0 : grantedExpiry(asked, context.limits);
  const { session, present } = await context.sessions.open({ key, clean: packet.clean, expirySeconds });
  if (connection.state !== "deciding") {
    // Whoever took over meanwhile has this session now; else nobody has.
    if (!context.clients.isHeld(name)) await context.sessions.close(session);
    return;
  }
  if (present) {
    context.wills.cancel(name);
    await dropRefusedSubscriptions(connection, session);
    if (connection.state !== "deciding") return;
  } else context.wills.hasten(name);
  const connack = acceptingConnack(packet, {
    sessionPresent: present,
    clientId: request.clientId,
    sessionExpiryInterval: expirySeconds === asked ? undefined : expirySeconds,
    retainAvailable: admitted.principal.kind === "device",
    limits: context.limits,
  });
  const bytes = encodePacket(connack, packet.version);
  if (bytes.length > boundsOf(packet).maximumPacketSize) {
    connection.cannotAnswer();
    await context.sessions.close(session);
    return;
  }
  connection.wire.sendBytes(bytes);
  openConnection(connection, packet, session);
}

function openConnection(connection: Connection, packet: ConnectPacket, session: Session): void {
  const { context, wire } = connection;
  const bounds = boundsOf(packet);
  const delivery = new Delivery(
    {
      wire,
      clock: context.ports.clock,
      limits: context.limits,
      mayReceive: (topic) => connection.admitted.authorizer.receive(topic),
      stored: context.sessions.queueOf(session),
    },
    bounds,
  );
  session.delivery = delivery;
  context.ports.events.connected(connection.admitted, connection.request);
  connection.open({
    session,
    delivery,
    bounds,
    will: packet.will,
    keepAliveSeconds: packet.keepAlive,
    problemInformation: packet.requestProblemInformation !== false,
  });
  delivery.proceed();
}

function askedExpiry(packet: ConnectPacket): number {
  if (packet.version === 5) return packet.sessionExpiryInterval ?? 0;
  return packet.clean ? 0 : UNLIMITED;
}

function requestOf({ peer, context }: Connection, packet: ConnectPacket): ConnectRequest {
  const assigned = () => `auto-${Buffer.from(context.ports.random.bytes(10)).toString("hex")}`;
  return {
    certificateDer: peer.certificateDer,
    clientId: packet.clientId === "" ? assigned() : packet.clientId,
    remoteAddress: peer.remoteAddress,
    persistent: askedExpiry(packet) > 0,
    hasWill: packet.will !== undefined,
  };
}

function boundsOf(packet: ConnectPacket): ClientBounds {
  return {
    version: packet.version,
    receiveMaximum: packet.receiveMaximum ?? 0xffff,
    maximumPacketSize: packet.maximumPacketSize ?? UNLIMITED,
    topicAliasMaximum: packet.topicAliasMaximum ?? 0,
  };
}

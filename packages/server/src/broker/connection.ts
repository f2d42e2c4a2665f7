// One client, from its socket to its goodbye: what state it is in, what it may do, and how it ends. What a packet does
// is in receive-*.ts; how a CONNECT becomes a principal is in accept-connect.ts.
import type { Duplex } from "node:stream";
import {
  type ConnectPacket,
  InboundTopicAliases,
  MqttProtocolError,
  type Packet,
  type ProtocolVersion,
  REASON,
  type Will,
} from "@fleetmint/mqtt";
import { Fault } from "../kit/fault.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import { acceptConnect } from "./accept-connect.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import type { GateEntry } from "./address-gate.ts";
import { refusingConnack } from "./connack.ts";
import type { BrokerContext } from "./context.ts";
import type { ClientBounds, Delivery } from "./delivery.ts";
import type { LiveConnection } from "./live-connections.ts";
import type { Admitted, ConnectRequest } from "./ports.ts";
import { PublishRate } from "./publish-rate.ts";
import { receive } from "./receive.ts";
import { reasonString, wireCode } from "./refusal-codes.ts";
import { dropRefusedSubscriptions } from "./refused-subscriptions.ts";
import { ReservedQueue } from "./reserved-queue.ts";
import { type Session, sessionName } from "./session.ts";
import { grantedExpiry } from "./sessions.ts";
import { versionAnswer, Wire, type WireOwner } from "./wire.ts";

export interface Peer {
  readonly certificateDer: Uint8Array | undefined;
  readonly remoteAddress: string;
  readonly gate: GateEntry | undefined;
  /** Monotonic milliseconds by which CONNECT must have been accepted. */
  readonly connectByMs: number;
}

export type EndReason = FaultCode | "client" | "server_stopping";

/** What exists from the accepted CONNECT on. */
export interface Opened {
  readonly session: Session;
  readonly delivery: Delivery;
  readonly bounds: ClientBounds;
  readonly will: Will | undefined;
  readonly keepAliveSeconds: number;
  readonly problemInformation: boolean;
}

const STALLED_SECONDS = 60;

type State = "new" | "deciding" | "open" | "ended";

export class Connection implements WireOwner, LiveConnection {
  readonly context: BrokerContext;
  readonly peer: Peer;
  readonly wire: Wire;
  #state: State = "new";
  #admitted: Admitted | undefined;
  #request: ConnectRequest | undefined;
  /** Session name under which the client id is held. */
  #name: string | undefined;
  #opened: Opened | undefined;
  /** Kept until it is answered. */
  #connect: ConnectPacket | undefined;
  /** What came behind CONNECT before the verdict. */
  #early: Packet[] | undefined;
  #earlyBytes = 0;
  #heardMs: number;
  #reports = 0;
  #backlog = 0;
  #movedMs = 0;
  #lingerUntilMs = Number.POSITIVE_INFINITY;
  #acknowledgements: Acknowledgements | undefined;
  #reservedQueue: ReservedQueue | undefined;
  #aliases: InboundTopicAliases | undefined;
  readonly #rate: PublishRate;

  constructor(context: BrokerContext, socket: Duplex, peer: Peer) {
    this.context = context;
    this.peer = peer;
    this.#heardMs = context.ticker.nowMs;
    this.#rate = new PublishRate(context.limits.publishesPerSecond);
    this.wire = new Wire(socket, this, { limits: context.limits, lazy: context.soon });
  }

  get state(): State {
    return this.#state;
  }

  get version(): ProtocolVersion {
    return this.wire.reader.version;
  }

  get admitted(): Admitted {
    if (this.#admitted === undefined) throw new Error("a connection without a verdict has no principal");
    return this.#admitted;
  }

  get opened(): Opened {
    if (this.#opened === undefined) throw new Error("the connection is not open");
    return this.#opened;
  }

  get request(): ConnectRequest {
    if (this.#request === undefined) throw new Error("nothing was asked for yet");
    return this.#request;
  }

  /** Monotonic milliseconds of the last sign of life. */
  get heardMs(): number {
    return this.#heardMs;
  }

  get acknowledgements(): Acknowledgements {
    this.#acknowledgements ??= new Acknowledgements(this.wire, this.context.limits.inflightPerConnection);
    return this.#acknowledgements;
  }

  get reservedQueue(): ReservedQueue {
    this.#reservedQueue ??= new ReservedQueue(this);
    return this.#reservedQueue;
  }

  get aliases(): InboundTopicAliases {
    this.#aliases ??= new InboundTopicAliases(this.context.limits.topicAliases);
    return this.#aliases;
  }

  /** The verdict was yes and everything is in place. CONNACK has been sent. */
  open(opened: Opened): void {
    this.#opened = opened;
    this.#connect = undefined;
    this.#state = "open";
    const { gate } = this.peer;
    if (gate !== undefined) this.context.gate.authenticated(gate);
    for (const packet of this.#early ?? []) this.onPacket(packet);
    this.#early = undefined;
  }

  /** Admission has spoken. */
  admit(admitted: Admitted, request: ConnectRequest): void {
    this.#admitted = admitted;
    this.#request = request;
  }

  /** Takes its client id, and can be found by whatever may change about it from now on. */
  enter(name: string): void {
    this.context.clients.take(name, this, { admitted: this.admitted, nowMs: this.context.ticker.nowMs });
    this.#name = name;
    this.context.live.add(this);
  }

  onPacket(packet: Packet): void {
    if (this.#state === "open") receive(this, packet);
    else if (this.#state === "deciding") this.#early?.push(packet);
    else if (this.#state === "new" && packet.type === "connect") {
      this.#state = "deciding";
      this.#early = [];
      this.#connect = packet;
      this.wire.reader.limits = { ...this.wire.reader.limits, packetBytes: this.context.limits.packetBytes };
      void acceptConnect(this, packet);
    }
  }

  onProtocolError(error: MqttProtocolError): void {
    this.report("protocol_error", error.message);
    if (this.#state !== "open") {
      this.#finish("protocol_error");
      const answer = versionAnswer(error);
      if (answer === undefined) this.wire.destroy();
      else this.wire.end(answer);
      return;
    }
    // The code alone: what it means is in the specification, and a Reason String would tell a broken client nothing.
    this.#disconnect("protocol_error", error.reasonCode);
  }

  onActivity(bytes: number): boolean {
    this.#heardMs = this.context.ticker.nowMs;
    if (this.#state !== "deciding") return true;
    // A client may send on without waiting for CONNACK (MQTT §3.1.4), but nobody knows yet who it is.
    this.#earlyBytes += bytes;
    if (this.#earlyBytes <= this.context.limits.earlyBytes) return true;
    this.report("protocol_error", `More than ${this.context.limits.earlyBytes} bytes came before CONNACK.`);
    this.#finish("protocol_error");
    this.wire.destroy();
    return false;
  }

  onDrain(): void {
    this.#opened?.delivery.proceed();
  }

  onGone(): void {
    this.#finish("client");
    const { gate } = this.peer;
    if (gate !== undefined) this.context.gate.leave(gate, this.#opened !== undefined);
    this.context.forget(this);
  }

  /** Refuses the CONNECT, or ends what was open, with the reason where the protocol can carry one. */
  refuse(fault: Fault): void {
    if (this.#state === "ended") return;
    // Before there is a principal, admission has recorded its refusal itself.
    if (this.#admitted !== undefined) this.report(fault.code, fault.message);
    this.end(fault);
  }

  /** Tells operators of a refusal, unless this connection, or this address, has just told them enough. */
  report(code: FaultCode, message: string): void {
    const { ports, gate, limits } = this.context;
    if (this.#admitted === undefined) {
      if (this.peer.gate !== undefined && !gate.mayReport(this.peer.gate)) return;
    } else if (++this.#reports > limits.reportsPerConnection) return;
    ports.events.refused(this.#admitted, this.#request ?? this.peer, code, message);
  }

  /** Ends with a reason that was recorded already. */
  end(fault: Fault): void {
    if (this.#connect === undefined) this.#disconnect(fault.code, wireCode(fault.code, 5), reasonString(fault));
    else this.turnAway(refusingConnack(this.#connect, fault));
  }

  /** Counts messages or subscriptions towards the rate; false after the connection was ended for being hopeless. */
  counts(messages: number): boolean {
    if (this.#rate.count(messages, this.context.ticker.nowMs, this.wire)) return true;
    this.refuse(new Fault("rate_limited"));
    return false;
  }

  protocolError(reasonCode: number, clause: string, message: string): void {
    this.onProtocolError(new MqttProtocolError(reasonCode, clause, message));
  }

  /** The client sent DISCONNECT. `withWill` for 0x04. */
  leave(withWill: boolean): void {
    this.#finish("client", withWill);
    this.wire.end();
  }

  /** DISCONNECT may shorten or lengthen what CONNECT asked for (MQTT 5 §3.14.2.2.2). */
  changeExpiry(seconds: number): void {
    const { session } = this.opened;
    session.expirySeconds = grantedExpiry(seconds, this.context.limits);
    if (session.expirySeconds > 0) this.context.background.run(this.context.sessions.save(session));
  }

  stop(): void {
    this.#disconnect("server_stopping", REASON.serverShuttingDown);
  }

  /** CONNECT was refused: the answer, and nothing after it. */
  turnAway(connack: Packet): void {
    if (this.#state === "ended") return;
    this.#finish("client");
    this.wire.end(connack);
  }

  /** The client takes no packet as large as the CONNACK [MQTT-3.1.2-24]: there is no way to talk to it. */
  cannotAnswer(): void {
    this.#finish("protocol_error");
    this.wire.destroy();
  }

  readmitted(admitted: Admitted): void {
    this.#admitted = admitted;
    if (this.#opened === undefined) return;
    // If that cannot be stored, they are gone from memory all the same, and a restored session is judged again.
    this.context.background.run(dropRefusedSubscriptions(this, this.#opened.session));
  }

  /** Looks at every deadline of this connection. */
  tick(nowMs: number, wallMs: number): void {
    if (this.#state === "open") this.#tickOpen(nowMs, wallMs);
    else if (this.#state === "ended") {
      if (nowMs >= this.#lingerUntilMs) this.wire.destroy();
    } else if (nowMs >= this.peer.connectByMs) this.#tooSlow();
  }

  #tickOpen(nowMs: number, wallMs: number): void {
    this.#rate.tick(nowMs, this.wire);
    if (wallMs >= this.admitted.notAfterMs) {
      const code = this.admitted.principal.kind === "claim" ? "claim_expired" : "certificate_expired";
      this.refuse(new Fault(code));
      return;
    }
    const { keepAliveSeconds } = this.opened;
    if (this.#isStalled(nowMs)) {
      this.refuse(new Fault("keepalive_timeout", `The client has read nothing for ${STALLED_SECONDS} seconds.`));
    } else if (this.wire.heldBack) {
      // We are the reason why nothing was heard.
      this.#heardMs = nowMs;
    } else if (keepAliveSeconds > 0 && nowMs - this.#heardMs >= keepAliveSeconds * 1500) {
      this.refuse(new Fault("keepalive_timeout"));
    }
  }

  /** Bytes wait for the client and none of them has moved. A client that keeps its window shut holds memory for ever. */
  #isStalled(nowMs: number): boolean {
    const { backlog } = this.wire;
    // It waits since now at the earliest where nothing waited a tick ago; the first tick of a busy server can find some.
    if (this.#backlog === 0 || backlog < this.#backlog) this.#movedMs = nowMs;
    this.#backlog = backlog;
    return backlog > 0 && nowMs - this.#movedMs >= STALLED_SECONDS * 1000;
  }

  #tooSlow(): void {
    this.report("connection_limit_reached", "No CONNECT was accepted in time.");
    this.#finish("connection_limit_reached");
    this.wire.destroy();
  }

  #disconnect(reason: EndReason, reasonCode: number, reasonText?: string): void {
    if (this.#state === "ended") return;
    const wasOpen = this.#state === "open";
    this.#finish(reason);
    if (!wasOpen || this.version !== 5) this.wire.end();
    else this.wire.end(this.#disconnectPacket(reasonCode, reasonText));
  }

  /** Without its text where that would be more than the client takes [MQTT-3.14.2-3]. */
  #disconnectPacket(reasonCode: number, reasonText: string | undefined): Packet {
    const room = this.opened.bounds.maximumPacketSize;
    const fits = reasonText !== undefined && Buffer.byteLength(reasonText) + 16 <= room;
    return { type: "disconnect", reasonCode, ...(fits ? { reasonString: reasonText } : {}) };
  }

  /** Leaves everything that knows this connection. What is still to be sent goes out afterwards. */
  #finish(reason: EndReason, withWill = true): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#early = undefined;
    this.#lingerUntilMs = this.context.ticker.nowMs + this.context.limits.lingerMs;
    if (this.#admitted !== undefined) this.context.live.remove(this);
    if (this.#name !== undefined) this.context.clients.release(this.#name, this);
    if (this.#opened !== undefined) this.#close(this.#opened, reason, withWill);
  }

  #close({ session, will }: Opened, reason: EndReason, withWill: boolean): void {
    const { admitted, request } = this;
    const { ports, sessions, wills, background } = this.context;
    const sessionSeconds = session.durable ? session.expirySeconds : 0;
    ports.events.disconnected(admitted, request, reason);
    background.run(sessions.close(session));
    if (will === undefined || !withWill || !speaksAfter(reason)) return;
    wills.leave(sessionName(session.key), { will, request, admitted }, sessionSeconds);
  }
}

/** Whoever was refused may not speak after it has gone. */
function speaksAfter(reason: EndReason): boolean {
  return reason === "client" || reason === "server_stopping" || LIVING.has(reason);
}

const LIVING: ReadonlySet<EndReason> = new Set<EndReason>([
  "keepalive_timeout",
  "protocol_error",
  "rate_limited",
  "session_taken_over",
  "publish_not_authorized",
]);

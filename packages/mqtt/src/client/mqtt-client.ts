import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { encodePacket } from "../encode-packet.ts";
import { PacketReader } from "../packet-reader.ts";
import type {
  ConnackPacket,
  ConnectPacket,
  Packet,
  ProtocolVersion,
  PubackPacket,
  PublishPacket,
  SubackPacket,
  UnsubackPacket,
} from "../packets.ts";
import { MqttProtocolError, protocolError } from "../protocol-error.ts";
import { REASON } from "../reason-codes.ts";
import { InboundTopicAliases } from "../session/topic-aliases.ts";
import {
  type ConnectRequest,
  DEFAULT_ANSWER_TIMEOUT_MS,
  DEFAULT_CLIENT_LIMITS,
  type MqttClientOptions,
  type PublishRequest,
  type PublishResult,
  type SubscribeRequest,
} from "./client-options.ts";
import { type ConnectionEnd, ConnectionEndedError, dismissal, refusal } from "./connection-end.ts";
import { Outstanding } from "./outstanding.ts";
import { Pinger } from "./pinger.ts";
import { PublishGate } from "./publish-gate.ts";
import { checkFilter, checkMessage, messageOf } from "./requests.ts";

interface ConnackWait {
  readonly resolve: (connack: ConnackPacket) => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimeout: () => void;
}

/**
 * One MQTT connection, QoS 0 and 1. It connects once: after the end make a new client on a new stream. Whatever is
 * waiting when the connection ends is rejected with a `ConnectionEndedError` that says how it ended.
 *
 * @example
 * const client = new MqttClient({ stream: tlsSocket, after: clock.after, onMessage: (message) => received.push(message) });
 * const connack = await client.connect({ clientId: "sensor-1" });
 * if (connack.reasonCode !== 0) throw new Error(`refused: ${connack.reasonCode}`);
 * await client.subscribe([{ filter: "commands/sensor-1" }]);
 * await client.publish({ topic: "state/sensor-1", payload: "on", qos: 1 });
 * await client.disconnect();
 */
export class MqttClient {
  /** Resolves when the stream is closed, never rejects. */
  readonly closed: Promise<ConnectionEnd>;
  readonly #options: MqttClientOptions;
  readonly #stream: Duplex;
  readonly #reader: PacketReader;
  readonly #outstanding = new Outstanding();
  readonly #waitingPublishes: number;
  #gate: PublishGate | undefined;
  #aliases = new InboundTopicAliases(0);
  #version: ProtocolVersion = 5;
  #connack: ConnackPacket | undefined;
  #connackWait: ConnackWait | undefined;
  #pinger: Pinger | undefined;
  #end: ConnectionEnd | undefined;

  constructor(options: MqttClientOptions) {
    const limits = { ...DEFAULT_CLIENT_LIMITS, ...options.limits };
    this.#options = options;
    this.#stream = options.stream;
    // On a socket, Nagle's algorithm would hold small packets for the peer's delayed acknowledgement: 40 ms a round.
    (options.stream as Partial<Pick<Socket, "setNoDelay">>).setNoDelay?.(true);
    this.#reader = new PacketReader("client", limits);
    this.#waitingPublishes = limits.waitingPublishes;
    this.closed = new Promise((resolve) => this.#watch(resolve));
  }

  /** The server's answer to CONNECT, once there is one. */
  get connack(): ConnackPacket | undefined {
    return this.#connack;
  }

  /** How the connection ended; undefined while it lives. */
  get end(): ConnectionEnd | undefined {
    return this.#end;
  }

  /** QoS 1 messages and subscriptions that wait for an answer. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** Sends CONNECT and resolves with CONNACK, also if its reason code refuses; then the connection ends by itself. */
  connect(request: ConnectRequest): Promise<ConnackPacket> {
    if (this.#end !== undefined) return Promise.reject(new ConnectionEndedError(this.#end));
    if (this.#connackWait !== undefined || this.#connack !== undefined) {
      return Promise.reject(new Error("this client has connected already; make a new one for a new connection"));
    }
    const packet: ConnectPacket = { version: 5, clean: true, keepAlive: 60, ...request, type: "connect" };
    return new Promise((resolve, reject) => {
      const bytes = encodePacket(packet, packet.version);
      const cancelTimeout = this.#options.after(this.#answerTimeoutMs, () => {
        this.#finish({ kind: "timed-out", message: "the server did not answer CONNECT in time" });
      });
      this.#connackWait = {
        resolve: (connack) => this.#begin(packet, connack, resolve),
        reject,
        cancelTimeout,
      };
      this.#version = packet.version;
      this.#reader.version = packet.version;
      this.#aliases = new InboundTopicAliases(packet.topicAliasMaximum ?? 0);
      this.#write(bytes);
    });
  }

  /** QoS 0 resolves when the bytes have left, QoS 1 at the server's PUBACK; look at `reasonCode`. */
  async publish(request: PublishRequest): Promise<PublishResult> {
    const connack = this.#live();
    const message = messageOf(request);
    checkMessage(message, connack);
    if (message.qos === 0) {
      await this.#writeFlushed(this.#encodeBounded(message));
      return { reasonCode: REASON.success };
    }
    return this.#publishAcknowledged(message);
  }

  /** Resolves at SUBACK; the reason codes stand in the order of the subscriptions, 0x80 and above is a refusal. */
  async subscribe(requests: readonly SubscribeRequest[]): Promise<SubackPacket> {
    this.#live();
    for (const { filter } of requests) checkFilter(filter);
    const subscriptions = requests.map((request) => ({
      qos: 1 as const,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
      ...request,
    }));
    return this.#outstanding.ask<SubackPacket>("suback", (packetId) => {
      this.#write(this.#encodeBounded({ type: "subscribe", packetId, subscriptions }));
    });
  }

  async unsubscribe(filters: readonly string[]): Promise<UnsubackPacket> {
    this.#live();
    for (const filter of filters) checkFilter(filter);
    return this.#outstanding.ask<UnsubackPacket>("unsuback", (packetId) => {
      this.#write(this.#encodeBounded({ type: "unsubscribe", packetId, filters }));
    });
  }

  /** Says good-bye and waits until the stream is closed. In MQTT 5 any code but 0 makes the server send the will. */
  async disconnect(reasonCode: number = REASON.success): Promise<ConnectionEnd> {
    this.#finish({ kind: "disconnected", message: "the client disconnected", reasonCode }, reasonCode);
    return this.closed;
  }

  get #answerTimeoutMs(): number {
    return this.#options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS;
  }

  #watch(resolveClosed: (end: ConnectionEnd) => void): void {
    this.#stream.on("data", (chunk: Uint8Array) => this.#read(chunk));
    this.#stream.on("end", () => this.#finish({ kind: "closed", message: "the server closed the connection" }));
    this.#stream.on("error", (error: Error) => {
      this.#finish({ kind: "stream-failed", message: `the connection failed: ${error.message}`, error });
    });
    this.#stream.on("close", () => {
      this.#finish({ kind: "closed", message: "the connection closed" });
      resolveClosed(this.#end as ConnectionEnd);
    });
  }

  #live(): ConnackPacket {
    if (this.#end !== undefined) throw new ConnectionEndedError(this.#end);
    if (this.#connack === undefined) throw new Error("not connected yet; await connect() first");
    return this.#connack;
  }

  #begin(request: ConnectPacket, connack: ConnackPacket, resolve: (connack: ConnackPacket) => void): void {
    this.#connack = connack;
    resolve(connack);
    if (connack.reasonCode !== 0) {
      this.#finish(refusal(connack, request.version));
      return;
    }
    this.#gate = new PublishGate(connack.receiveMaximum, this.#waitingPublishes);
    this.#pinger = new Pinger(
      {
        after: this.#options.after,
        sendPing: () => this.#write(encodePacket({ type: "pingreq" }, this.#version)),
        onSilence: () => this.#finish({ kind: "timed-out", message: "the server did not answer a ping" }),
      },
      connack.serverKeepAlive ?? request.keepAlive,
    );
  }

  async #publishAcknowledged(message: PublishPacket): Promise<PublishResult> {
    await this.#gate?.enter();
    try {
      const answer = await this.#outstanding.ask<PubackPacket>("puback", (packetId) => {
        this.#live();
        this.#write(this.#encodeBounded({ ...message, packetId }));
      });
      const { reasonCode, reasonString } = answer;
      return reasonString === undefined ? { reasonCode } : { reasonCode, reasonString };
    } finally {
      this.#gate?.leave();
    }
  }

  /** A packet over the server's Maximum Packet Size must not be sent [MQTT-3.2.2-15]. */
  #encodeBounded(packet: Packet): Uint8Array {
    const bytes = encodePacket(packet, this.#version);
    const limit = this.#connack?.maximumPacketSize;
    if (limit !== undefined && bytes.length > limit) {
      throw new RangeError(`a packet of ${bytes.length} bytes is over the server's limit of ${limit}`);
    }
    return bytes;
  }

  #read(chunk: Uint8Array): void {
    this.#pinger?.received();
    try {
      this.#reader.push(chunk, (packet) => this.#handle(packet));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    if (error instanceof MqttProtocolError) {
      const end = { kind: "protocol-error", message: `the server broke the protocol: ${error.message}` } as const;
      this.#finish({ ...end, error, reasonCode: error.reasonCode }, error.reasonCode);
      return;
    }
    const message = `the message handler failed: ${error.message}`;
    this.#finish({ kind: "handler-failed", message, error }, REASON.implementationSpecificError);
  }

  #handle(packet: Packet): void {
    switch (packet.type) {
      case "publish":
        this.#receive(packet);
        break;
      case "connack":
        this.#connackWait?.cancelTimeout();
        this.#connackWait?.resolve(packet);
        break;
      case "puback":
      case "suback":
      case "unsuback":
        this.#outstanding.answer(packet);
        break;
      case "disconnect":
        this.#finish(dismissal(packet));
        break;
      case "pingresp":
        break;
      default:
        throw protocolError("§4.13.1", `the server sent ${packet.type}, which nothing asked for`);
    }
  }

  #receive(packet: PublishPacket): void {
    if (packet.qos === 2) {
      throw new MqttProtocolError(REASON.qosNotSupported, "MQTT-3.8.4-8", "a message with QoS 2, never subscribed to");
    }
    this.#options.onMessage?.(this.#aliases.resolve(packet));
    if (packet.packetId === undefined || this.#end !== undefined) return;
    this.#write(encodePacket({ type: "puback", packetId: packet.packetId, reasonCode: 0 }, this.#version));
  }

  /** What is written in one turn leaves together: one system call, one TLS record. */
  #write(bytes: Uint8Array, onFlushed?: (error?: Error | null) => void): void {
    this.#pinger?.sent();
    if (this.#stream.writableCorked === 0) {
      this.#stream.cork();
      process.nextTick(() => this.#stream.uncork());
    }
    this.#stream.write(bytes, onFlushed);
  }

  #writeFlushed(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#write(bytes, (error) => (error == null ? resolve() : reject(this.#endedError(error))));
    });
  }

  #endedError(error: Error): Error {
    return this.#end === undefined ? error : new ConnectionEndedError(this.#end);
  }

  /** The first end counts. With `farewell` the server is told why, where its version lets us. */
  #finish(end: ConnectionEnd, farewell?: number): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#reader.stop();
    this.#pinger?.stop();
    this.#connackWait?.cancelTimeout();
    const error = new ConnectionEndedError(end);
    this.#connackWait?.reject(error);
    this.#outstanding.rejectAll(error);
    this.#closeStream(farewell);
  }

  #closeStream(farewell: number | undefined): void {
    const polite = farewell !== undefined && this.#gate !== undefined && (farewell === 0 || this.#version === 5);
    if (!polite || this.#stream.destroyed) {
      this.#stream.destroy();
      return;
    }
    this.#stream.end(encodePacket({ type: "disconnect", reasonCode: farewell }, this.#version));
    // The server closes; one that does not is not waited for.
    const cancel = this.#options.after(this.#answerTimeoutMs, () => this.#stream.destroy());
    this.#stream.once("close", cancel);
  }
}

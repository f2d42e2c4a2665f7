import type { Duplex } from "node:stream";
import { type ConnectionEnd, ConnectionEndedError, MqttClient, type PublishPacket } from "@fleetmint/mqtt";
import { decodePayload, encodePayload, type PayloadFormat, type RequestTopics } from "@fleetmint/wire";
import { AgentFault } from "../agent-fault.ts";
import type { AgentPorts } from "../agent-ports.ts";
import type { KeyUse } from "../keys/key-store.ts";
import { connectionLost, connectRefused, requestRejected, silentServer, subscribeRefused } from "./refusals.ts";
import { openTlsInChild } from "./tls-in-child.ts";
import { openVerifiedTls } from "./verified-tls.ts";

/** Who connects. */
export interface LinkIdentity {
  readonly certificatePem: string;
  readonly key: KeyUse;
  readonly clientId: string;
  /** For messages: `the claim`, `the new identity`. */
  readonly name: string;
}

export interface LinkOptions {
  readonly mqttVersion: 4 | 5;
  readonly format: PayloadFormat;
  readonly keepAliveSeconds?: number;
  /** Ends the attempt at once. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_KEEP_ALIVE_SECONDS = 60;
const ANSWER_TIMEOUT_MS = 30_000;
/** The largest answer is a certificate with an RSA-4096 key. */
const MAX_ANSWER_BYTES = 64 * 1024;

type LinkPorts = Pick<AgentPorts, "system" | "time" | "target">;

/** One accepted MQTT connection to the verified server, on which operations are asked and answered. */
export class MqttLink {
  readonly client: MqttClient;
  readonly #ports: LinkPorts;
  readonly #format: PayloadFormat;
  readonly #listeners: Map<string, (payload: Uint8Array) => void>;

  private constructor(ports: LinkPorts, format: PayloadFormat, stream: Duplex) {
    this.#ports = ports;
    this.#format = format;
    this.#listeners = new Map();
    const { clock } = ports.system;
    this.client = new MqttClient({
      stream,
      after: (delayMs, action) => clock.after(delayMs, action),
      onMessage: (message) => this.#receive(message),
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
      limits: { packetBytes: MAX_ANSWER_BYTES },
    });
  }

  /** Verifies the server, then connects to it; returns when it has accepted. */
  static async open(ports: LinkPorts, identity: LinkIdentity, options: LinkOptions): Promise<MqttLink> {
    const stream = await openStream(ports, identity, options.signal);
    const link = new MqttLink(ports, options.format, stream);
    const abandon = (): unknown => stream.destroy();
    options.signal?.addEventListener("abort", abandon, { once: true });
    await link.#connect(identity, options).finally(() => options.signal?.removeEventListener("abort", abandon));
    return link;
  }

  get closed(): Promise<ConnectionEnd> {
    return this.client.closed;
  }

  get alive(): boolean {
    return this.client.end === undefined;
  }

  async close(): Promise<void> {
    await this.client.disconnect();
  }

  /** Asks one operation and returns its accepted answer, undecoded but for JSON or CBOR; a refusal is an AgentFault. */
  async ask(topics: RequestTopics, request: object): Promise<Readonly<Record<string, unknown>>> {
    try {
      return await this.#ask(topics, request);
    } catch (error) {
      if (error instanceof ConnectionEndedError) throw connectionLost(this.#ports.target, error.end);
      throw error;
    }
  }

  async #connect({ clientId, name }: LinkIdentity, options: LinkOptions): Promise<void> {
    try {
      const keepAlive = options.keepAliveSeconds ?? DEFAULT_KEEP_ALIVE_SECONDS;
      const connack = await this.client.connect({ clientId, version: options.mqttVersion, clean: true, keepAlive });
      if (connack.reasonCode !== 0) throw connectRefused(this.#ports.target, name, connack, options.mqttVersion);
    } catch (error) {
      if (error instanceof ConnectionEndedError) throw connectionLost(this.#ports.target, error.end);
      throw error;
    }
  }

  async #ask(topics: RequestTopics, request: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = this.#awaitAnswer(topics);
    // The answer may be refused before anything waits for it, when the connection ends during SUBSCRIBE.
    answer.promise.catch(() => {});
    try {
      const filters = [{ filter: topics.accepted }, { filter: topics.rejected }];
      const { reasonCodes } = await this.client.subscribe(filters);
      const refused = reasonCodes.findIndex((code) => code >= 0x80);
      if (refused >= 0) throw subscribeRefused(this.#ports.target, filters[refused]!.filter);
      const payload = encodePayload(this.#format, request);
      const sent = await this.client.publish({ topic: topics.request, payload, qos: 1 });
      if (sent.reasonCode >= 0x80) throw requestRejected(this.#ports.target, topics.request, sent);
      return await answer.promise;
    } finally {
      answer.forget();
    }
  }

  #awaitAnswer(topics: RequestTopics): { promise: Promise<Readonly<Record<string, unknown>>>; forget: () => void } {
    const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, unknown>>>();
    const { target, system } = this.#ports;
    const decode = (payload: Uint8Array): Readonly<Record<string, unknown>> => decodePayload(this.#format, payload);
    this.#listeners.set(topics.accepted, (payload) => resolve(decode(payload)));
    this.#listeners.set(topics.rejected, (payload) => reject(requestRejected(target, topics.request, decode(payload))));
    const cancel = system.clock.after(ANSWER_TIMEOUT_MS, () => reject(silentServer(target, topics.request)));
    void this.closed.then((end) => reject(connectionLost(target, end)));
    const forget = (): void => {
      cancel();
      this.#listeners.delete(topics.accepted);
      this.#listeners.delete(topics.rejected);
    };
    return { promise, forget };
  }

  /** Messages that nobody asked for are dropped. An answer that cannot be decoded ends the connection. */
  #receive(message: PublishPacket): void {
    this.#listeners.get(message.topic)?.(message.payload);
  }
}

function openStream(
  { system, time, target }: LinkPorts,
  { key, certificatePem }: LinkIdentity,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  const credential = key.credential(certificatePem);
  if (key.pkcs11Module === undefined) return openVerifiedTls({ clock: system.clock, time, signal }, target, credential);
  return openTlsInChild(time, { target, credential, pkcs11Module: key.pkcs11Module });
}

/** A text field of an answer; its absence is the server's fault. */
export function textField(answer: Readonly<Record<string, unknown>>, name: string, at: string): string {
  const value = answer[name];
  if (typeof value === "string" && value !== "") return value;
  throw new AgentFault({
    kind: "refused",
    reason: "server_answer_invalid",
    message: `The server's answer has no text "${name}".`,
    at,
    fix: "check that this is a Fleetmint or AWS IoT endpoint; the server's log has the request",
  });
}

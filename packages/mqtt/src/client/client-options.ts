import type { Duplex } from "node:stream";
import type { CodecLimits } from "../codec-limits.ts";
import type { ConnectPacket, PublishPacket, PublishProperties, Subscription } from "../packets.ts";

export interface MqttClientOptions {
  /** A connected stream, for example a TLS socket whose peer has been checked. The client owns it from now on. */
  readonly stream: Duplex;
  /** Runs `action` once after `delayMs`; the returned function cancels it. The client has no other timer. */
  readonly after: (delayMs: number, action: () => void) => () => void;
  /** Called for each message. QoS 1 is acknowledged when it returns; if it throws, the connection ends instead. */
  readonly onMessage?: (message: PublishPacket) => void;
  /** How long to wait for CONNACK, and at the end for the server to close. 30 seconds unless told. */
  readonly answerTimeoutMs?: number;
  readonly limits?: Partial<ClientLimits>;
}

/** Bounds on what a server can make the client hold. */
export interface ClientLimits extends CodecLimits {
  /** QoS 1 messages that may wait for room in the server's receive window. */
  readonly waitingPublishes: number;
}

// AWS IoT's largest message is 128 KiB; a device has no use for more at once.
export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  packetBytes: 256 * 1024,
  userProperties: 64,
  filtersPerPacket: 64,
  waitingPublishes: 1_000,
};

export const DEFAULT_ANSWER_TIMEOUT_MS = 30_000;

/** CONNECT without what has a usual value: version 5, clean start, 60 seconds of keep-alive. */
export type ConnectRequest = Omit<ConnectPacket, "type" | "version" | "clean" | "keepAlive"> &
  Partial<Pick<ConnectPacket, "version" | "clean" | "keepAlive">>;

export interface PublishRequest {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  /** 0 unless told. */
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  readonly properties?: PublishProperties;
}

/** What the server said of a QoS 1 message. Below 0x80 it has taken it; QoS 0 always reads 0. */
export interface PublishResult {
  readonly reasonCode: number;
  readonly reasonString?: string;
}

/** QoS 1 unless told. */
export type SubscribeRequest = Pick<Subscription, "filter"> &
  Partial<Omit<Subscription, "filter" | "qos">> & { readonly qos?: 0 | 1 };

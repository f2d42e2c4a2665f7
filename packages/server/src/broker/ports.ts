// What the broker needs from others. It knows MQTT, TLS and policies; who a certificate belongs to, what a reserved topic
// does and where sessions are kept are answered through these ports, which server.ts joins.
import type { PublishProperties, QoS, Subscription } from "@fleetmint/mqtt";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { CertificateId, ClaimId, ThingName } from "../vocabulary/ids.ts";
import type { DevicePrincipal } from "../vocabulary/principal.ts";

/** What is known of a client when its CONNECT arrives. */
export interface ConnectRequest {
  /** DER of the certificate that TLS proved possession of; undefined where the client sent none. */
  readonly certificateDer: Uint8Array | undefined;
  readonly clientId: string;
  /** Canonical text form, IPv4-mapped IPv6 already unmapped. */
  readonly remoteAddress: string;
  /** A session that outlives the connection is asked for. */
  readonly persistent: boolean;
  readonly hasWill: boolean;
}

/** The verdict at CONNECT. Without one a connection has no principal. */
export interface Admitted {
  readonly principal: DevicePrincipal;
  readonly authorizer: Authorizer;
  /** Wall-clock ms at which the connection must end: the certificate's notAfter. */
  readonly notAfterMs: number;
  /** The connection is found by these when something changes. */
  readonly certificateId: CertificateId;
  readonly claimId: ClaimId | undefined;
  readonly thingName: ThingName | undefined;
}

/** Decides, synchronously and without I/O, from what was read at CONNECT or at the last change. */
export interface Authorizer {
  connect(attributes: { readonly persistent: boolean; readonly willTopic: string | undefined }): boolean;
  publish(topic: string, retain: boolean): boolean;
  /** The filter is judged as a literal; `$share/group/filter` is judged on `filter`. */
  subscribe(filter: string): boolean;
  /** Asked at every delivery. */
  receive(topic: string): boolean;
}

export interface Admission {
  /** Throws a Fault with the reason. Records the refusal itself (attempt or event). */
  admit(request: ConnectRequest): Promise<Admitted>;
  /** Judges a live connection anew after a change: a fresh verdict, or throws the Fault that ends it. */
  readmit(request: ConnectRequest, previous: Admitted): Promise<Admitted>;
}

/** One change in the store that may matter to live connections. */
export interface Change {
  readonly sequence: number;
  readonly kind: "certificate" | "claim" | "thing" | "policies";
  /** CertificateId, ClaimId or ThingName; "" for `policies`, which concerns every device connection. */
  readonly id: string;
}

export interface Changes {
  /** At most 1,000 changes after `sequence`, in order. */
  since(sequence: number): Promise<readonly Change[]>;
  /** The newest sequence number. */
  latest(): Promise<number>;
  /** Calls `listener` soon after a commit in this process; the poll beneath it covers other processes. */
  onNudge(listener: () => void): () => void;
}

export interface ReservedRequest {
  readonly principal: DevicePrincipal;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Publishes on the connection that asked, and nowhere else. A connection that is gone swallows it. */
  readonly reply: (topic: string, payload: Uint8Array) => void;
}

/** Topics that begin with `$`: never forwarded to subscribers. */
export interface ReservedTopics {
  /** True if a client may publish here at all; the broker refuses other `$` topics itself. */
  accepts(topic: string): boolean;
  handle(request: ReservedRequest): Promise<void>;
}

/** A device's session is keyed by principal, not by client id alone: nobody takes over another's. */
export interface SessionKey {
  /** `device:THING`, or `certificate:ID` while no thing is attached. Claims have no stored sessions. */
  readonly owner: string;
  readonly clientId: string;
}

export interface StoredSubscription extends Subscription {
  readonly subscriptionIdentifier: number | undefined;
}

export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: PublishProperties;
  /** Wall-clock ms after which it is not delivered; undefined never. */
  readonly expiresAtMs: number | undefined;
}

export interface StoredMessage extends Message {
  /** Ascending within a session. */
  readonly sequence: number;
}

export interface StoredSession {
  readonly key: SessionKey;
  readonly expirySeconds: number;
  readonly subscriptions: readonly StoredSubscription[];
  /** As `markDisconnected` left it; only `load` reports it. Absent where the device was connected to the end. */
  readonly disconnectedAtMs?: number | undefined;
}

/** Durable sessions: what is acknowledged to a publisher survives a restart. */
export interface SessionStore {
  /** All sessions, at start. */
  load(): Promise<readonly StoredSession[]>;
  /** Creates or replaces the session's settings; its messages stay. */
  save(session: StoredSession): Promise<void>;
  remove(key: SessionKey): Promise<void>;
  /** Marks the moment the device left, from which expiry counts; undefined while it is connected. */
  markDisconnected(key: SessionKey, atMs: number | undefined): Promise<void>;
  /**
   * Keeps one message for several sessions and answers its sequence in each, 0 for a session that is not there. Beyond a
   * session's limit the oldest are dropped. Calls settle in the order in which they were made.
   */
  enqueue(keys: readonly SessionKey[], message: Message): Promise<readonly number[]>;
  queued(key: SessionKey, afterSequence: number, limit: number): Promise<readonly StoredMessage[]>;
  dequeue(key: SessionKey, sequences: readonly number[]): Promise<void>;
  /** Removes sessions whose expiry has passed. */
  expire(nowMs: number): Promise<readonly SessionKey[]>;
}

export interface RetainedStore {
  load(): Promise<readonly Message[]>;
  /** An empty payload removes the topic's retained message [MQTT-3.3.1-6]. */
  put(message: Message): Promise<void>;
}

/** What operators are told of connections. Bounded by the store; never carries a payload. */
export interface ConnectionEvents {
  connected(admitted: Admitted, request: ConnectRequest): void;
  disconnected(admitted: Admitted, request: ConnectRequest, reason: FaultCode | "client" | "server_stopping"): void;
  /** A live connection was refused something or ended for a reason. */
  refused(
    admitted: Admitted | undefined,
    request: ConnectRequest | { readonly remoteAddress: string },
    code: FaultCode,
    message: string,
  ): void;
}

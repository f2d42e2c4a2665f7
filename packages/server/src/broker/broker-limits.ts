import { LIMITS } from "../kit/limits.ts";

/** The bounds a broker works with. Each starts at its default and can only be lowered. */
export const BROKER_LIMITS = {
  connectPacketBytes: LIMITS.connectPacketBytes,
  packetBytes: LIMITS.packetBytes,
  topicBytes: LIMITS.topicBytes,
  topicLevels: LIMITS.topicLevels,
  clientIdBytes: LIMITS.clientIdBytes,
  subscriptionsPerConnection: LIMITS.subscriptionsPerConnection,
  filtersPerPacket: LIMITS.filtersPerPacket,
  inflightPerConnection: LIMITS.inflightPerConnection,
  queuedPerSession: LIMITS.queuedPerSession,
  queuedBytesPerSession: LIMITS.queuedBytesPerSession,
  outgoingBufferBytes: LIMITS.outgoingBufferBytes,
  retainedMessages: LIMITS.retainedMessages,
  retainedBytes: LIMITS.retainedBytes,
  sessions: LIMITS.sessions,
  sessionExpirySeconds: LIMITS.sessionExpirySeconds,
  topicAliases: LIMITS.topicAliases,
  handshakeTimeoutMs: LIMITS.handshakeTimeoutMs,
  connectTimeoutMs: LIMITS.connectTimeoutMs,
  unauthenticatedPerAddress: LIMITS.unauthenticatedPerAddress,
  unauthenticatedInAll: LIMITS.unauthenticatedInAll,
  connectionsPerAddress: LIMITS.connectionsPerAddress,
  publishesPerSecond: LIMITS.publishesPerSecond,
  claimClientIdHoldMs: LIMITS.claimClientIdHoldMs,
  changePollMs: LIMITS.changePollMs,
  /** A factory behind one address connects in bursts; a flood from one address is cut before TLS costs anything. */
  connectsPerSecondPerAddress: 1_000,
  /** What a client may send behind its CONNECT before the verdict. It may pipeline (MQTT §3.1.4), within reason. */
  earlyBytes: 16 * 1024,
  /** AWS's clients keep one request per operation under way; more wait their turn. */
  reservedInFlight: 4,
  /** User properties travel with every copy of a message. */
  userProperties: 32,
  /** A device that left gets this long to read why before the socket is torn down. */
  lingerMs: 1_000,
  /** Refusals reported of one connection: a device that asks for what it may not must not fill the events. */
  reportsPerConnection: 20,
  /** A device keeps one session, or one for each of its programs; a stolen one must not fill the installation's. */
  sessionsPerOwner: 100,
  /** Wills that wait for their delay; each is one small message of an authenticated device. */
  delayedWills: 10_000,
} as const;

export type BrokerLimits = { readonly [Name in keyof typeof BROKER_LIMITS]: number };

export function brokerLimits(lower: Partial<BrokerLimits> = {}): BrokerLimits {
  const limits: Record<string, number> = { ...BROKER_LIMITS };
  for (const [name, value] of Object.entries(lower)) {
    const bound = limits[name];
    if (bound !== undefined) limits[name] = Math.min(bound, value);
  }
  return limits as BrokerLimits;
}

import type { Delivery } from "./delivery.ts";
import type { SessionKey, StoredSession, StoredSubscription } from "./ports.ts";

/** Seconds of an expiry that never comes (MQTT 5 §3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffffffff;

/** One subscription of one session, as the tree of subscriptions finds it. */
export interface SubscriptionEntry {
  readonly session: Session;
  subscription: StoredSubscription;
}

/** What the server keeps for one client of one principal: its subscriptions, and where its messages go. */
export class Session {
  readonly key: SessionKey;
  /** Seconds to outlive the connection. */
  expirySeconds: number;
  /** The store knows it. A session that is not durable ends with its connection. */
  durable = false;
  /** By filter. */
  readonly entries = new Map<string, SubscriptionEntry>();
  /** Present while a connection is open. */
  delivery: Delivery | undefined;
  /** Wall clock; undefined while a connection is open. */
  disconnectedAtMs: number | undefined;
  /** Message number to packet id, of what was sent to this client and not acknowledged before it left. */
  sent: ReadonlyMap<number, number> = NOTHING_SENT;

  constructor(key: SessionKey, expirySeconds: number) {
    this.key = key;
    this.expirySeconds = expirySeconds;
  }

  expired(nowMs: number): boolean {
    if (this.disconnectedAtMs === undefined || this.expirySeconds === NEVER_EXPIRES) return false;
    return nowMs >= this.disconnectedAtMs + this.expirySeconds * 1000;
  }

  snapshot(): StoredSession {
    const subscriptions = [...this.entries.values()].map((entry) => entry.subscription);
    return { key: this.key, expirySeconds: this.expirySeconds, subscriptions };
  }
}

const NOTHING_SENT: ReadonlyMap<number, number> = new Map();

/** No owner holds a line break, so that two keys never share a name. */
export function sessionName(key: SessionKey): string {
  return `${key.owner}\n${key.clientId}`;
}

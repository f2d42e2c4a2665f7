import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import type { Background } from "./background.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import type { StoredQueue } from "./delivery.ts";
import type { SessionKey, SessionStore, StoredSubscription } from "./ports.ts";
import { NEVER_EXPIRES, Session, sessionName } from "./session.ts";
import type { Soon } from "./soon.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface SessionsPorts {
  readonly store: SessionStore;
  readonly subscriptions: Subscriptions;
  readonly clock: Clock;
  readonly soon: Soon;
  readonly background: Background;
}

export interface SessionRequest {
  readonly key: SessionKey;
  /** Clean Session in 3.1.1, Clean Start in 5: forget what was. */
  readonly clean: boolean;
  readonly expirySeconds: number;
}

/** The sessions that outlive connections. Those that do not are only handed out here. */
export class Sessions {
  readonly #ports: SessionsPorts;
  readonly #limits: BrokerLimits;
  readonly #durable = new Map<string, Session>();
  /** Stored sessions of each principal. */
  readonly #owned = new Map<string, number>();

  constructor(ports: SessionsPorts, limits: BrokerLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get size(): number {
    return this.#durable.size;
  }

  /** At start: every stored session is there again, subscribed and away. */
  async load(): Promise<void> {
    const { store, clock, subscriptions } = this.#ports;
    for (const stored of await store.load()) {
      const session = new Session(stored.key, stored.expirySeconds);
      session.durable = true;
      session.disconnectedAtMs = stored.disconnectedAtMs ?? clock.now();
      for (const subscription of stored.subscriptions) subscriptions.add(session, subscription);
      this.#keep(session);
      // Whoever was connected when the process ended has left now.
      if (stored.disconnectedAtMs === undefined) await store.markDisconnected(stored.key, session.disconnectedAtMs);
    }
    await this.expire();
  }

  /** The session for a CONNECT [MQTT-3.1.2-4] [MQTT-3.1.2-5]. What is to be durable is so when this resolves. */
  async open({ key, clean, expirySeconds }: SessionRequest): Promise<{ session: Session; present: boolean }> {
    const known = this.#durable.get(sessionName(key));
    if (known === undefined || clean || known.expired(this.#ports.clock.now())) {
      if (known !== undefined) await this.discard(known);
      return { session: await this.#create(key, expirySeconds), present: false };
    }
    const changed = known.expirySeconds !== expirySeconds;
    known.expirySeconds = expirySeconds;
    known.disconnectedAtMs = undefined;
    await this.#ports.store.markDisconnected(key, undefined);
    if (changed) await this.save(known);
    return { session: known, present: true };
  }

  /** Durable subscriptions are on disk before the client reads their acknowledgement. */
  async save(session: Session): Promise<void> {
    if (session.durable) await this.#ports.store.save(session.snapshot());
  }

  /** The connection has ended. */
  close(session: Session): Promise<void> {
    if (session.delivery !== undefined) session.sent = session.delivery.stop();
    session.delivery = undefined;
    if (!session.durable || session.expirySeconds === 0) return this.discard(session);
    session.disconnectedAtMs = this.#ports.clock.now();
    return this.#ports.store.markDisconnected(session.key, session.disconnectedAtMs);
  }

  async discard(session: Session): Promise<void> {
    this.#ports.subscriptions.removeAll(session);
    if (!session.durable) return;
    session.durable = false;
    this.#drop(session);
    await this.#ports.store.remove(session.key);
  }

  async expire(): Promise<void> {
    for (const key of await this.#ports.store.expire(this.#ports.clock.now())) {
      const session = this.#durable.get(sessionName(key));
      // Whoever came back meanwhile keeps the session, and the store learns of it again.
      if (session === undefined || session.disconnectedAtMs === undefined) await (session && this.save(session));
      else await this.discard(session);
    }
  }

  /** A subscription, restored or new; true if the session did not have the filter. */
  subscribe(session: Session, subscription: StoredSubscription): boolean {
    return this.#ports.subscriptions.add(session, subscription);
  }

  unsubscribe(session: Session, filter: string): boolean {
    return this.#ports.subscriptions.remove(session, filter);
  }

  queueOf(session: Session): StoredQueue | undefined {
    if (!session.durable) return undefined;
    const { store, soon, background } = this.#ports;
    let done: number[] = [];
    const forget = () => {
      const sequences = done;
      done = [];
      // A message that is not forgotten now is sent once more later, which QoS 1 allows.
      background.run(store.dequeue(session.key, sequences));
    };
    return {
      sent: session.sent,
      read: (afterSequence, limit) => store.queued(session.key, afterSequence, limit),
      done(sequence) {
        if (done.push(sequence) === 1) soon.run(forget);
      },
    };
  }

  async #create(key: SessionKey, expirySeconds: number): Promise<Session> {
    const session = new Session(key, expirySeconds);
    if (expirySeconds === 0) return session;
    if (this.#durable.size >= this.#limits.sessions) {
      throw new Fault("limit_reached", `The installation keeps ${this.#limits.sessions} sessions already.`);
    }
    // Where policy lets a device choose client ids, one device must not take the room of all.
    if ((this.#owned.get(key.owner) ?? 0) >= this.#limits.sessionsPerOwner) {
      throw new Fault("limit_reached", `${key.owner} has ${this.#limits.sessionsPerOwner} stored sessions already.`);
    }
    await this.#ports.store.save(session.snapshot());
    session.durable = true;
    this.#keep(session);
    return session;
  }

  #keep(session: Session): void {
    const { owner } = session.key;
    this.#durable.set(sessionName(session.key), session);
    this.#owned.set(owner, (this.#owned.get(owner) ?? 0) + 1);
  }

  #drop(session: Session): void {
    const { owner } = session.key;
    if (!this.#durable.delete(sessionName(session.key))) return;
    const left = (this.#owned.get(owner) ?? 0) - 1;
    if (left > 0) this.#owned.set(owner, left);
    else this.#owned.delete(owner);
  }
}

/** What is granted of an expiry asked for. A 3.1.1 session that is not clean asks for as long as there is. */
export function grantedExpiry(askedSeconds: number, limits: BrokerLimits): number {
  return Math.min(askedSeconds, limits.sessionExpirySeconds, NEVER_EXPIRES);
}

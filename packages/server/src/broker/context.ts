import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Random } from "../kit/random.ts";
import type { AddressGate } from "./address-gate.ts";
import type { Background } from "./background.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import type { ClientIds } from "./client-ids.ts";
import type { Connection } from "./connection.ts";
import type { LiveConnections } from "./live-connections.ts";
import type {
  Admission,
  Changes,
  ConnectionEvents,
  Message,
  ReservedTopics,
  RetainedStore,
  SessionStore,
} from "./ports.ts";
import type { Retained } from "./retained.ts";
import type { Router } from "./router.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Soon } from "./soon.ts";
import type { Ticker } from "./ticker.ts";
import type { Wills } from "./wills.ts";

/** What the broker needs from the rest of the server. */
export interface BrokerPorts {
  readonly admission: Admission;
  readonly changes: Changes;
  readonly reserved: ReservedTopics;
  readonly sessions: SessionStore;
  readonly retained: RetainedStore;
  readonly events: ConnectionEvents;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What all connections of a broker share. */
export interface BrokerContext {
  readonly ports: BrokerPorts;
  readonly limits: BrokerLimits;
  readonly ticker: Ticker;
  readonly soon: Soon;
  readonly gate: AddressGate;
  readonly live: LiveConnections;
  readonly sessions: Sessions;
  readonly retained: Retained;
  readonly router: Router;
  readonly wills: Wills;
  readonly clients: ClientIds;
  readonly background: Background;
  /** The socket is gone. */
  forget(connection: Connection): void;
}

/** Takes a message that policy has let through: retains it if it says so, and hands it to the subscribers. */
export function accept(context: BrokerContext, message: Message, origin: Session | undefined): Accepted {
  const kept = message.retain ? context.retained.put(message) : undefined;
  const { matched, stored } = context.router.publish(message, origin);
  if (kept === undefined) return { matched, settled: stored };
  return { matched, settled: stored === undefined ? kept : Promise.all([kept, stored]).then(nothing) };
}

export interface Accepted {
  readonly matched: boolean;
  /** Pending until what must be durable is; undefined where nothing must. */
  readonly settled: Promise<void> | undefined;
}

function nothing(): void {}

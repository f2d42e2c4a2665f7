// All that Fleetmint keeps, as one object: the domain's ports beside each other. SQLite and memory implement it today;
// contract.ts says what every implementation must do.
import type { AccountStore } from "../access/ports.ts";
import type { AuditStore } from "../audit/ports.ts";
import type { Changes, RetainedStore, SessionStore } from "../broker/ports.ts";
import type { IssuanceLedger } from "../ca/ports.ts";
import type {
  AdmissionStore,
  AttemptStore,
  ClaimStore,
  EnrollmentStore,
  EventStore,
  TemplateStore,
} from "../enrollment/ports.ts";
import { LIMITS } from "../kit/limits.ts";
import type { RegistryStore } from "../registry/ports.ts";
import type { BumpEpoch } from "./operations/epoch.ts";

export interface Store
  extends IssuanceLedger,
    RegistryStore,
    ClaimStore,
    EnrollmentStore,
    AttemptStore,
    TemplateStore,
    AdmissionStore,
    EventStore,
    AuditStore,
    AccountStore,
    AsyncDisposable {
  readonly changes: Changes;
  readonly sessions: SessionStore;
  readonly retained: RetainedStore;
  /** What a restore does to the data it brought back; returns the new epoch. */
  bumpEpoch(request: BumpEpoch): Promise<number>;
  /** Writes what is queued and releases what is held. Operations after it are refused with store_unavailable. */
  close(): Promise<void>;
}

/** How much is kept of what grows by itself; the oldest goes first. */
export interface StoreLimits {
  readonly attempts: number;
  readonly events: number;
  /** Changes that a slow reader may still ask for. */
  readonly changes: number;
  readonly checkpoints: number;
  readonly sessions: number;
  readonly queuedPerSession: number;
  readonly queuedBytesPerSession: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}

export const STORE_LIMITS: StoreLimits = {
  attempts: LIMITS.attempts,
  events: LIMITS.events,
  changes: 100_000,
  checkpoints: 10_000,
  sessions: LIMITS.sessions,
  queuedPerSession: LIMITS.queuedPerSession,
  queuedBytesPerSession: LIMITS.queuedBytesPerSession,
  retainedMessages: LIMITS.retainedMessages,
  retainedBytes: LIMITS.retainedBytes,
};

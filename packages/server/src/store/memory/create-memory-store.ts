import { MemoryRetainedStore, MemorySessionStore } from "../../broker/memory-stores.ts";
import type { Clock } from "../../kit/clock.ts";
import { Fault } from "../../kit/fault.ts";
import { silentLog } from "../../kit/log.ts";
import { assembleStore, type Runner } from "../assemble.ts";
import { createChanges } from "../changes.ts";
import type { LedgerRows, RegistryRows, Rows } from "../rows.ts";
import { STORE_LIMITS, type Store, type StoreLimits } from "../store.ts";
import { claimRows } from "./claim-rows.ts";
import { ledgerRows } from "./ledger-rows.ts";
import { recordRows } from "./record-rows.ts";
import { registryRows } from "./registry-rows.ts";
import { templateRows } from "./template-rows.ts";
import { UndoLog } from "./undo.ts";

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly limits?: Partial<StoreLimits>;
}

/** A store that forgets: what unit tests use. It keeps every rule of the durable ones. */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const limits = { ...STORE_LIMITS, ...options.limits };
  const log = new UndoLog();
  const rows = memoryRows(log);
  let closed = false;
  const checkOpen = () => {
    if (closed) throw new Fault("store_unavailable", "The store is closed.");
  };
  const runner: Runner = {
    async write(operation) {
      checkOpen();
      const before = rows.latestChange();
      const result = runWhole(log, () => operation(rows));
      rows.trim(limits, Number.POSITIVE_INFINITY);
      if (rows.latestChange() !== before) changes.nudge();
      return result;
    },
    async read(operation) {
      checkOpen();
      return operation(rows);
    },
  };
  const changes = createChanges(runner, silentLog);
  return assembleStore({
    runner,
    clock: options.clock,
    changes,
    sessions: new MemorySessionStore(limits),
    retained: new MemoryRetainedStore(),
    close: async () => {
      closed = true;
    },
  });
}

function runWhole<Result>(log: UndoLog, operation: () => Result): Result {
  log.begin();
  try {
    return operation();
  } catch (error) {
    log.rollBack();
    throw error;
  }
}

function memoryRows(log: UndoLog): Rows {
  // Certificates name claims and things, and both name certificates: each side asks the other when it is asked.
  const parts: { ledger?: LedgerRows; registry?: RegistryRows } = {};
  const claims = claimRows(log, (row) => parts.ledger?.certificateByRow(row));
  const ledger = ledgerRows(log, {
    claimByRow: claims.claimByRow,
    thingByRow: (row) => parts.registry?.thingByRow(row),
  });
  const registry = registryRows(log, () => ledger);
  parts.ledger = ledger;
  parts.registry = registry;
  return { ...ledger, ...claims, ...registry, ...templateRows(log), ...recordRows(log) };
}

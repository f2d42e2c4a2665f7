// One writer, many operations a commit. An fsync costs more than all statements of an operation, so the operations that arrive in
// one turn of the event loop share one: each runs in a savepoint of its own, then one COMMIT, and only then does anyone hear of it.
// Under load a commit also waits a few milliseconds for company: a commit of one operation costs three times an operation of sixteen.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Fault } from "../../kit/fault.ts";
import { faultPoint } from "../../kit/fault-points.ts";
import type { Log } from "../../kit/log.ts";
import { isStorageFailure, isTrouble } from "./storage-errors.ts";

export interface GroupCommit {
  run<Result>(operation: () => Result): Promise<Result>;
  /** The reason for which nothing is written any more. */
  readonly stopped: Fault | undefined;
  /** Commits what is queued; refuses what comes later. */
  close(): void;
}

interface Queued {
  readonly operation: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Settlement = () => void;

export interface GroupCommitPorts {
  readonly database: DatabaseSync;
  readonly log: Log;
  /** Runs inside each batch after its operations, before the commit. */
  readonly beforeCommit: () => void;
  readonly afterCommit: () => void;
}

/** How long a commit waits for company under load, and what load is: so many operations within so short a time. */
const COMPANY_MS = 8;
const BUSY_OPERATIONS = 4;
const BUSY_WITHIN_MS = 20;

/** A batch that is too long would hold the event loop; the rest waits for the next turn. */
const BATCH = 512;

export function createGroupCommit(ports: GroupCommitPorts): GroupCommit {
  const frame = prepareFrame(ports.database);
  let queue: Queued[] = [];
  let scheduled = false;
  let stopped: Fault | undefined;

  const flush = (): void => {
    scheduled = false;
    const batch = queue.slice(0, BATCH);
    queue = queue.slice(BATCH);
    if (queue.length > 0) schedule();
    try {
      if (stopped !== undefined) refuse(batch, stopped);
      else commitBatch(ports, frame, batch);
    } catch (error) {
      const failure = batchFailure(error);
      if (isTrouble(error)) stopped = stop(ports.log, error);
      refuse(batch, failure);
    }
  };
  const isBusy = arrivals();
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    if (isBusy()) setTimeout(flush, COMPANY_MS);
    else setImmediate(flush);
  };
  return {
    run<Result>(operation: () => Result): Promise<Result> {
      return new Promise<Result>((resolve, reject) => {
        if (stopped !== undefined) return reject(stopped);
        isBusy.note();
        queue.push({ operation, resolve: resolve as (result: unknown) => void, reject });
        schedule();
      });
    },
    get stopped() {
      return stopped;
    },
    close() {
      while (queue.length > 0) flush();
      stopped ??= new Fault("store_unavailable", "The store is closed.");
    },
  };
}

/** True while operations arrive so fast that a commit soon has company; a lone device never waits. */
function arrivals(): { (): boolean; note(): void } {
  const times = new Float64Array(BUSY_OPERATIONS).fill(Number.NEGATIVE_INFINITY);
  let next = 0;
  const isBusy = (): boolean => performance.now() - times[next]! < BUSY_WITHIN_MS;
  return Object.assign(isBusy, {
    note() {
      times[next] = performance.now();
      next = (next + 1) % BUSY_OPERATIONS;
    },
  });
}

/** The statements around every operation, parsed once: they would cost as much as a write of the operation's own. */
interface Frame {
  readonly begin: StatementSync;
  readonly savepoint: StatementSync;
  readonly release: StatementSync;
  readonly commit: StatementSync;
}

function prepareFrame(database: DatabaseSync): Frame {
  return {
    begin: database.prepare("BEGIN IMMEDIATE"),
    savepoint: database.prepare("SAVEPOINT operation"),
    release: database.prepare("RELEASE operation"),
    commit: database.prepare("COMMIT"),
  };
}

/** Runs the batch in one transaction; throws when it must be given up as a whole. */
function commitBatch(ports: GroupCommitPorts, frame: Frame, batch: readonly Queued[]): void {
  const { database } = ports;
  const settlements: Settlement[] = [];
  try {
    frame.begin.run();
    for (const queued of batch) settlements.push(runInSavepoint(database, frame, queued));
    ports.beforeCommit();
    faultPoint("store-before-commit");
    frame.commit.run();
  } catch (error) {
    if (database.isTransaction) rollBack(database);
    throw error;
  }
  faultPoint("store-after-commit");
  // No answer leaves before this line.
  for (const settle of settlements) settle();
  ports.afterCommit();
}

function runInSavepoint(database: DatabaseSync, frame: Frame, { operation, resolve, reject }: Queued): Settlement {
  frame.savepoint.run();
  try {
    const result = operation();
    frame.release.run();
    return () => resolve(result);
  } catch (error) {
    // A full or failing disk concerns the whole batch; SQLite may have ended the transaction already.
    if (isStorageFailure(error) || !database.isTransaction) throw error;
    database.exec("ROLLBACK TO operation");
    frame.release.run();
    return () => reject(error);
  }
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite rolled back by itself; what failed is reported by the error that led here.
  }
}

function refuse(batch: readonly Queued[], error: unknown): void {
  for (const { reject } of batch) reject(error);
}

function batchFailure(error: unknown): unknown {
  if (!isStorageFailure(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new Fault("store_unavailable", `The store could not write (${reason}). Nothing of it was kept.`, {
    cause: error,
  });
}

/** After an I/O error nobody knows what the disk holds: only opening anew, which recovers from the log, can say. */
function stop(log: Log, error: unknown): Fault {
  log.error("The store stops after an I/O error; restart the server when the disk is sound.", { error: String(error) });
  return new Fault(
    "store_unavailable",
    "The store stopped after an I/O error; restart the server when the disk is sound.",
    {
      cause: error,
    },
  );
}

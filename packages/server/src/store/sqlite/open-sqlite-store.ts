import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../kit/clock.ts";
import { type Log, silentLog } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import { assembleStore, type Runner } from "../assemble.ts";
import { createChanges } from "../changes.ts";
import type { Rows } from "../rows.ts";
import { STORE_LIMITS, type Store, type StoreLimits } from "../store.ts";
import { backupDatabase } from "./backup.ts";
import { claimRows } from "./claim-rows.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { checkIntegrity } from "./integrity.ts";
import { ledgerRows } from "./ledger-rows.ts";
import { type DurabilitySettings, durabilitySettings, openDatabase } from "./open-database.ts";
import { recordRows } from "./record-rows.ts";
import { registryRows } from "./registry-rows.ts";
import { retainedStore } from "./retained-store.ts";
import { keySealer, noSealer, type Sealer } from "./sealer.ts";
import { sessionStore } from "./session-store.ts";
import { Sql } from "./sql.ts";
import { templateRows } from "./template-rows.ts";

export interface SqliteStore extends Store {
  /** A consistent copy of the database, made while the store is in use. */
  backup(toFile: string): Promise<void>;
  /** What SQLite finds wrong with the file; empty if nothing. */
  checkIntegrity(): Promise<readonly string[]>;
  /** As read back from the connection. */
  durabilitySettings(): DurabilitySettings;
}

export interface SqliteStoreOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
  /** 32 bytes, kept outside the database, that seal the secrets of webhooks. Without it such a template is refused. */
  readonly sealingKey?: Uint8Array;
  readonly limits?: Partial<StoreLimits>;
  /** The database grows to so many pages of 4 KiB and then refuses, as on a full disk. */
  readonly maxPages?: number;
}

/** Rows removed from each growing table with one commit: little enough not to be felt. */
const TRIM_SLICE = 64;
/** Commits between two looks at the growing tables. */
const TRIM_EVERY = 32;

/** Opens the database, made and migrated as needed. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const database = openDatabase(options.file);
  try {
    if (options.maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${Math.floor(options.maxPages)}`);
    return createStore(database, options);
  } catch (error) {
    database.close();
    throw error;
  }
}

function createStore(database: DatabaseSync, options: SqliteStoreOptions): SqliteStore {
  const log = options.log ?? silentLog;
  const limits = { ...STORE_LIMITS, ...options.limits };
  const sql = new Sql(database);
  const sealer = options.sealingKey === undefined ? noSealer : keySealer(options.sealingKey, options.random);
  const watched = watchChanges(sqliteRows(sql, sealer));
  const trim = trimmer(watched.rows, limits);
  const commit = createGroupCommit({
    database,
    log,
    beforeCommit: trim,
    afterCommit: () => watched.take() && changes.nudge(),
  });
  const runner = sqliteRunner(commit, watched.rows);
  const changes = createChanges(runner, log);
  const write = <Result>(operation: () => Result) => commit.run(operation);
  const store = assembleStore({
    runner,
    clock: options.clock,
    changes,
    sessions: sessionStore(sql, write, limits),
    retained: retainedStore(sql, write, limits),
    close: closer(database, commit),
  });
  return Object.assign(store, {
    backup: (toFile: string) => backupDatabase(database, toFile),
    checkIntegrity: async () => checkIntegrity(database),
    durabilitySettings: () => durabilitySettings(database),
  });
}

function sqliteRows(sql: Sql, sealer: Sealer): Rows {
  const ledger = ledgerRows(sql);
  return {
    ...ledger,
    ...claimRows(sql, ledger.certificateByRow),
    ...registryRows(sql),
    ...templateRows(sql, sealer),
    ...recordRows(sql),
  };
}

/** Remembers whether something was written to the change log since it was last asked. */
function watchChanges(rows: Rows): { readonly rows: Rows; take(): boolean } {
  let seen = false;
  return {
    rows: {
      ...rows,
      insertChange(kind, id) {
        seen = true;
        rows.insertChange(kind, id);
      },
    },
    take() {
      const was = seen;
      seen = false;
      return was;
    },
  };
}

/** The newest stay, the oldest go a few at a time, in commits that happen anyway. */
function trimmer(rows: Rows, limits: StoreLimits): () => void {
  let commits = 0;
  return () => {
    if (++commits % TRIM_EVERY === 0) rows.trim(limits, TRIM_SLICE * TRIM_EVERY);
  };
}

/**
 * Reads use the writer's connection: a batch begins and ends within one turn of the event loop, so that nobody ever reads inside
 * its transaction, and one page cache serves both.
 */
function sqliteRunner(commit: GroupCommit, rows: Rows): Runner {
  return {
    write: (operation) => commit.run(() => operation(rows)),
    read: async (operation) => {
      if (commit.stopped !== undefined) throw commit.stopped;
      return operation(rows);
    },
  };
}

function closer(database: DatabaseSync, commit: GroupCommit): () => Promise<void> {
  return async () => {
    commit.close();
    if (database.isOpen) database.close();
  };
}

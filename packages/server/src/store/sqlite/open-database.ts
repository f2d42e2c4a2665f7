// Opens the file with the settings that durability rests on, and brings its schema up to date.
import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../../kit/fault.ts";
import { MIGRATIONS } from "./migrations.ts";
import { isNotADatabase } from "./storage-errors.ts";

/** "FMNT": what SQLite's header says the file belongs to (PRAGMA application_id). */
const APPLICATION_ID = 0x464d4e54;

export interface DurabilitySettings {
  /** `wal`. */
  readonly journalMode: string;
  /** 2 is FULL: every commit is on the disk before it is reported. */
  readonly synchronous: number;
}

/** `migrations` differ only in tests. */
export function openDatabase(file: string, migrations: readonly string[] = MIGRATIONS): DatabaseSync {
  if (!existsSync(file)) createPrivately(file);
  const database = new DatabaseSync(file, { timeout: 5000 });
  try {
    checkDatabaseFile(database, file, migrations.length);
    configure(database);
    migrate(database, migrations);
    chmodSync(file, 0o600);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The settings as the connection has them, not as they were asked for. */
export function durabilitySettings(database: DatabaseSync): DurabilitySettings {
  return {
    journalMode: String(pragma(database, "journal_mode")),
    synchronous: Number(pragma(database, "synchronous")),
  };
}

/** SQLite gives its log and index files the mode of the database. */
function createPrivately(file: string): void {
  closeSync(openSync(file, "wx", 0o600));
}

/** Refuses what is not a database of ours, or one of a newer release, before anything is changed, the journal mode included. */
export function checkDatabaseFile(database: DatabaseSync, file: string, known: number = MIGRATIONS.length): void {
  try {
    checkVersion(database, file, known);
  } catch (error) {
    throw isNotADatabase(error) ? notOurs(file, error) : error;
  }
}

function checkVersion(database: DatabaseSync, file: string, known: number): void {
  const version = Number(pragma(database, "user_version"));
  const application = Number(pragma(database, "application_id"));
  const isEmpty = Number(pragma(database, "page_count")) === 0;
  if (!isEmpty && (application !== APPLICATION_ID || version === 0)) throw notOurs(file);
  if (version <= known) return;
  throw new Fault(
    "store_unavailable",
    `The database ${file} has schema version ${version}; this release knows versions up to ${known}. ` +
      "Start the newer release that wrote it, or restore a backup made by this one. Nothing was changed.",
  );
}

function notOurs(file: string, cause?: unknown): Fault {
  return new Fault(
    "store_unavailable",
    `The file ${file} is not a Fleetmint database. Name another --data folder, or move the file away. Nothing was changed.`,
    { cause },
  );
}

function configure(database: DatabaseSync): void {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("PRAGMA foreign_keys = ON");
  // Savepoints keep their undo pages in memory: they are few and short-lived.
  database.exec("PRAGMA temp_store = MEMORY");
  database.exec("PRAGMA cache_size = -65536");
  const { journalMode, synchronous } = durabilitySettings(database);
  if (journalMode === "wal" && synchronous === 2) return;
  throw new Fault(
    "store_unavailable",
    `The database could not be made durable (journal_mode ${journalMode}, synchronous ${synchronous}). ` +
      "Put the data folder on a local file system that supports shared memory.",
  );
}

function migrate(database: DatabaseSync, migrations: readonly string[]): void {
  const from = Number(pragma(database, "user_version"));
  for (let version = from; version < migrations.length; version++) {
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(migrations[version] as string);
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      database.exec(`PRAGMA user_version = ${version + 1}`);
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}

function pragma(database: DatabaseSync, name: string): unknown {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return row === undefined ? undefined : Object.values(row)[0];
}

import type { DatabaseSync } from "node:sqlite";
import { isTrouble } from "./storage-errors.ts";

const FINDINGS = 100;

/** What SQLite itself finds: broken pages and indexes, and rows that name others which do not exist. */
export function checkIntegrity(database: DatabaseSync): readonly string[] {
  try {
    return [...brokenPages(database), ...missingRows(database)];
  } catch (error) {
    // A file can be too broken for its own check.
    if (isTrouble(error)) return [error instanceof Error ? error.message : String(error)];
    throw error;
  }
}

function brokenPages(database: DatabaseSync): readonly string[] {
  const lines = database.prepare(`PRAGMA integrity_check(${FINDINGS})`).all();
  return lines.map((row) => String(row["integrity_check"])).filter((line) => line !== "ok");
}

function missingRows(database: DatabaseSync): readonly string[] {
  const rows = database.prepare("PRAGMA foreign_key_check").all().slice(0, FINDINGS);
  return rows.map((row) => `${row["table"]} row ${row["rowid"]} names a missing row of ${row["parent"]}`);
}

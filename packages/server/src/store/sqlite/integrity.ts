import type { DatabaseSync } from "node:sqlite";

const FINDINGS = 100;

/** What SQLite itself finds: broken pages and indexes, and rows that name others which do not exist. */
export function checkIntegrity(database: DatabaseSync): readonly string[] {
  const pages = database.prepare(`PRAGMA integrity_check(${FINDINGS})`).all();
  const broken = pages.map((row) => String(row["integrity_check"])).filter((line) => line !== "ok");
  const foreign = database.prepare("PRAGMA foreign_key_check").all().slice(0, FINDINGS);
  return [
    ...broken,
    ...foreign.map((row) => `${row["table"]} row ${row["rowid"]} names a missing row of ${row["parent"]}`),
  ];
}

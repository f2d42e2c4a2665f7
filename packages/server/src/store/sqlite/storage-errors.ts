// SQLite's primary result codes that speak of the disk, not of the statement (https://sqlite.org/rescode.html).
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

const FAILURES: ReadonlySet<number> = new Set([
  SQLITE_BUSY,
  SQLITE_READONLY,
  SQLITE_IOERR,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_CANTOPEN,
  SQLITE_NOTADB,
]);
const TROUBLE: ReadonlySet<number> = new Set([SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB]);

/** The disk is full, locked, read-only or broken: the caller may try again later. */
export function isStorageFailure(error: unknown): boolean {
  return FAILURES.has(primaryCode(error));
}

/** What is on the disk is in doubt. */
export function isTrouble(error: unknown): boolean {
  return TROUBLE.has(primaryCode(error));
}

export function isNotADatabase(error: unknown): boolean {
  return primaryCode(error) === SQLITE_NOTADB;
}

function primaryCode(error: unknown): number {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return 0;
  return typeof error.errcode === "number" ? error.errcode & 0xff : 0;
}

// Loaded before a server to break it on purpose: commits are no longer on the disk when they are reported.
import { DatabaseSync } from "node:sqlite";

const { exec, prepare } = DatabaseSync.prototype;

DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
  loosen(this, sql);
  exec.call(this, sql);
};
DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
  loosen(this, sql);
  return prepare.call(this, sql, ...rest);
};

/** At the first mention of a transaction: after the store has read its settings back and found them in order. */
function loosen(database: DatabaseSync, sql: string): void {
  if (sql.startsWith("BEGIN") && !database.isTransaction) exec.call(database, "PRAGMA synchronous = OFF");
}

// Loaded before a server to break it on purpose: commits are no longer on the disk when they are reported.
import { DatabaseSync } from "node:sqlite";

const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  // After the store has read its settings back and found them in order.
  if (sql.startsWith("BEGIN")) exec.call(this, "PRAGMA synchronous = OFF");
  exec.call(this, sql);
};

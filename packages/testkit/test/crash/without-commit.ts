// Loaded before a server to break it on purpose: a commit is reported at once and made only when the next one begins.
import { DatabaseSync } from "node:sqlite";

const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  if (sql === "COMMIT") return;
  if (sql.startsWith("BEGIN") && this.isTransaction) exec.call(this, "COMMIT");
  exec.call(this, sql);
};

// Loaded before a server to break it on purpose: a commit is reported at once and made only when the next one begins.
import { DatabaseSync, type StatementSync } from "node:sqlite";

const { exec, prepare } = DatabaseSync.prototype;

DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
  const statement = prepare.call(this, sql, ...rest);
  if (sql === "COMMIT") statement.run = () => ({ changes: 0, lastInsertRowid: 0 });
  return sql.startsWith("BEGIN") ? committingFirst(this, statement) : statement;
};

function committingFirst(database: DatabaseSync, statement: StatementSync): StatementSync {
  const run = statement.run.bind(statement);
  statement.run = () => {
    if (database.isTransaction) exec.call(database, "COMMIT");
    return run();
  };
  return statement;
}

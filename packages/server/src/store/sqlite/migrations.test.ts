import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { MIGRATIONS } from "./migrations.ts";
import { openDatabase } from "./open-database.ts";
import { openTestStore, temporaryFile } from "./testing.ts";

/** A database as the release with schema 1 left it, with one policy in it. */
function schemaOne(): string {
  const file = temporaryFile("schema-1");
  const database = openDatabase(file, MIGRATIONS.slice(0, 1));
  database.exec("INSERT INTO policies (name, default_version) VALUES ('kept', 1)");
  database.exec(`INSERT INTO policy_versions (policy, version, created_at, document) VALUES (1, 1, 5, '{}')`);
  database.close();
  return file;
}

const versionOf = (database: DatabaseSync) => database.prepare("PRAGMA user_version").get()?.["user_version"];

describe("migrations", () => {
  it("bring a database of schema 1 up to date and keep what is in it", async () => {
    const store = await openTestStore({ file: schemaOne() });
    const [policy] = await store.policies();
    assert.deepEqual(
      [policy?.policyName, policy?.versions],
      ["kept", [{ version: 1, createdAtMs: 5, document: "{}" }]],
    );
    await store.close();
  });

  it("run forward, each once", () => {
    const file = schemaOne();
    const more = [
      ...MIGRATIONS.slice(0, 1),
      "CREATE TABLE second (a TEXT) STRICT",
      "ALTER TABLE second ADD COLUMN b TEXT",
    ];
    for (const _ of [1, 2]) {
      const database = openDatabase(file, more);
      assert.equal(versionOf(database), 3);
      assert.deepEqual(database.prepare("SELECT a, b FROM second").all(), []);
      database.close();
    }
  });

  it("leave the database as it was when one fails", () => {
    const file = schemaOne();
    assert.throws(() =>
      openDatabase(file, [...MIGRATIONS.slice(0, 1), "CREATE TABLE second (a TEXT) STRICT; SELECT nonsense"]),
    );
    const database = new DatabaseSync(file);
    assert.equal(versionOf(database), 1);
    assert.equal(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'second'").get()?.["n"], 0);
    database.close();
  });
});

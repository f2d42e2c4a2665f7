// Databases for tests, in a folder that goes when the process does.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from "./open-sqlite-store.ts";

const folder = mkdtempSync(join(tmpdir(), "fleetmint-store-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let count = 0;

export function temporaryFile(name = "store"): string {
  return join(folder, `${name}-${++count}.db`);
}

export function openTestStore(options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  return openSqliteStore({
    file: temporaryFile(),
    clock: new ManualClock(),
    random: systemRandom(),
    sealingKey: new Uint8Array(32).fill(7),
    ...options,
  });
}

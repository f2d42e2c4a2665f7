import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";

/** Pages copied between two turns of the event loop. */
const PAGES_AT_ONCE = 256;

/** Copies the database as it is at one moment; the file appears whole, durable and readable by its owner alone, or not at all. */
export async function backupDatabase(database: DatabaseSync, toFile: string): Promise<void> {
  const unfinished = `${toFile}.unfinished`;
  rmSync(unfinished, { force: true });
  closeSync(openSync(unfinished, "wx", 0o600));
  try {
    await backup(database, unfinished, { rate: PAGES_AT_ONCE });
    syncPath(unfinished);
    renameSync(unfinished, toFile);
    syncPath(dirname(toFile));
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** A file's bytes, or a folder's names, are on the disk afterwards. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

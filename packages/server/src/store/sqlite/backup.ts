import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";

/** Pages copied between two turns of the event loop. */
const PAGES_AT_ONCE = 256;

/** Copies the database as it is at one moment; the file appears whole, durable and readable by its owner alone, or not at all. */
export async function backupDatabase(database: DatabaseSync, toFile: string): Promise<void> {
  const unfinished = `${toFile}.unfinished`;
  rmSync(unfinished, { force: true });
  closeSync(openSync(unfinished, "wx", 0o600));
  try {
    await copySnapshot(database.location()!, unfinished);
    syncPath(unfinished);
    renameSync(unfinished, toFile);
    syncPath(dirname(toFile));
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/**
 * Copies through a connection of its own that holds one read transaction: the pages are copied by another thread, which must not meet
 * a commit of the writing connection, and writes that go on meanwhile must not make the copy begin anew.
 */
async function copySnapshot(file: string, toFile: string): Promise<void> {
  const reader = new DatabaseSync(file, { readOnly: true });
  try {
    reader.exec("BEGIN; SELECT count(*) FROM sqlite_schema");
    await backup(reader, toFile, { rate: PAGES_AT_ONCE });
  } finally {
    reader.close();
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

import { type FileHandle, open, rm } from "node:fs/promises";
import { CommandError } from "../errors.ts";
import { reasonOf } from "../input/files.ts";

/** Writes lines to a new file; one that breaks off half-way is removed, so that it cannot pass for the whole. */
export async function writeExport(path: string, lines: AsyncIterable<string>): Promise<number> {
  const file = await openNew(path);
  try {
    let count = 0;
    for await (const line of lines) {
      await file.write(`${line}\n`);
      count++;
    }
    await file.sync();
    return count;
  } catch (cause) {
    await rm(path, { force: true });
    throw new CommandError(`The export broke off: ${reasonOf(cause)}`, path, "Try again; nothing was kept.", { cause });
  } finally {
    await file.close();
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === "EEXIST";
    const what = exists ? "The file exists already and is not overwritten." : reasonOf(cause);
    throw new CommandError(what, path, "Give --out another path.", { cause });
  }
}

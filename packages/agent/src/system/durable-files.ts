// Files that survive a power cut at any instant: the folder holds either the old content or the new, never a part.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** Makes the folder, and each one above it that is missing, for its owner alone. */
export function makePrivateFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  if (first !== undefined) syncFolder(dirname(first));
}

/**
 * Replaces the file as one step: a new file beside it, its bytes on the disk, renamed over the old one, and the folder
 * on the disk. A remainder of an interrupted attempt is removed first.
 */
export function replaceDurably(folder: string, name: string, content: string): void {
  const temporary = join(folder, `${name}.new`);
  rmSync(temporary, { force: true });
  writeNew(temporary, content);
  renameSync(temporary, join(folder, name));
  syncFolder(folder);
}

/** Writes a file that did not exist, so that nobody's link is followed and nobody's mode is kept. */
export function writeNew(path: string, content: string): void {
  const file = openSync(path, "wx", PRIVATE_FILE);
  try {
    writeAll(file, Buffer.from(content));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Creates the file with its whole content, or answers false where it exists already. */
export function createExclusively(folder: string, name: string, content: string, unique: string): boolean {
  const temporary = join(folder, `${name}.${unique}`);
  rmSync(temporary, { force: true });
  writeNew(temporary, content);
  try {
    linkSync(temporary, join(folder, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Undefined where there is no such file. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Overwrites the file with zeros, on the disk, and removes it; true where there was one. Flash translation layers and
 * copy-on-write file systems may keep old blocks all the same: erasing narrows the window, it does not close it.
 */
export function eraseFile(path: string): boolean {
  const real = realPathIfPresent(path);
  if (real === undefined) return false;
  overwrite(real);
  unlinkSync(real);
  syncFolder(dirname(real));
  // The name may have been a symbolic link, which now leads nowhere.
  rmSync(path, { force: true });
  return true;
}

function overwrite(path: string): void {
  const file = openSync(path, constants.O_WRONLY);
  try {
    writeAll(file, Buffer.alloc(fstatSync(file).size));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function realPathIfPresent(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

// The data folder: where everything of one installation lies, and that only one process serves it.
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../kit/fault.ts";

/** The files of a data folder, by what they are for. */
export interface DataFolder {
  readonly path: string;
  readonly installation: string;
  readonly database: string;
  /** The root and the issuing CA, for devices and for people to copy. */
  readonly caCertificate: string;
  readonly rootCertificate: string;
  readonly rootKey: string;
  readonly issuingCertificate: string;
  readonly issuingKey: string;
  /** Unlocks the keys unless a passphrase does. */
  readonly unlockKey: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly auditKey: string;
  readonly auditPublicKey: string;
  readonly checkpoint: string;
  /** The local administrator's credential. */
  readonly admin: string;
  /** Written while a server runs. */
  readonly serving: string;
  readonly lock: string;
  /** Private folders of running hook handlers. */
  readonly hooks: string;
}

export function dataFolder(path: string): DataFolder {
  const folder = resolve(path);
  const at = (...names: string[]) => join(folder, ...names);
  return {
    path: folder,
    installation: at("installation.json"),
    database: at("fleetmint.db"),
    caCertificate: at("ca.pem"),
    rootCertificate: at("keys", "root.cert.pem"),
    rootKey: at("keys", "root.key.sealed"),
    issuingCertificate: at("keys", "issuing.cert.pem"),
    issuingKey: at("keys", "issuing.key.sealed"),
    unlockKey: at("keys", "unlock.key"),
    serverCertificate: at("keys", "server.cert.pem"),
    serverKey: at("keys", "server.key.sealed"),
    auditKey: at("keys", "audit.key.sealed"),
    auditPublicKey: at("audit.pub.pem"),
    checkpoint: at("checkpoint.txt"),
    admin: at("admin.json"),
    serving: at("serve.json"),
    lock: at("serve.lock"),
    hooks: at("run", "hooks"),
  };
}

/** Opens an existing folder; a Fault says what is wrong with the path and which command makes one. */
export function openDataFolder(path: string): DataFolder {
  const folder = dataFolder(path);
  if (existsSync(folder.installation)) return folder;
  const state = !existsSync(folder.path) ? "does not exist" : "is not a Fleetmint data folder";
  throw new Fault("not_found", `${folder.path} ${state}. Make one with \`fleetmint init --data ${path}\`.`);
}

/** Builds a folder beside its final place and moves it there in one step, so that a crash leaves no half-made installation. */
export async function createDataFolder(path: string, fill: (folder: DataFolder) => Promise<void>): Promise<DataFolder> {
  const final = dataFolder(path);
  if (existsSync(final.path) && readdirSync(final.path).length > 0) {
    throw new Fault("already_exists", `${final.path} is not empty; choose another folder for --data.`);
  }
  const parent = dirname(final.path);
  mkdirSync(parent, { recursive: true });
  const building = dataFolder(join(parent, `.${basename(final.path)}.new-${process.pid}`));
  mkdirSync(join(building.path, "keys"), { recursive: true, mode: 0o700 });
  chmodSync(building.path, 0o700);
  try {
    await fill(building);
    syncFolder(join(building.path, "keys"));
    syncFolder(building.path);
    renameSync(building.path, final.path);
    syncFolder(parent);
  } catch (error) {
    rmSync(building.path, { recursive: true, force: true });
    throw error;
  }
  return final;
}

/** Replaces a file in one step: temporary file, fsync, rename, fsync of the folder. */
export function writeFileDurably(file: string, content: string | Uint8Array, mode: 0o600 | 0o644 = 0o600): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const descriptor = openSync(temporary, "w", mode);
  try {
    writeSync(descriptor, typeof content === "string" ? Buffer.from(content) : content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  syncFolder(dirname(file));
}

export function syncFolder(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A secret's file must be readable by its owner alone; otherwise a sentence, for `doctor` and start-up. */
export function tooOpen(file: string): string | undefined {
  const mode = statSync(file).mode & 0o777;
  return (mode & 0o077) === 0
    ? undefined
    : `${file} can be read by others (mode ${mode.toString(8)}); run \`chmod 600 ${file}\`.`;
}

/**
 * Holds the folder for this process. The kernel releases the lock when the process dies, however it dies: it is SQLite's
 * own file lock, on a file of its own.
 */
export function lockDataFolder(folder: DataFolder): Disposable {
  const database = new DatabaseSync(folder.lock);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new Fault(
      "conflict",
      `${folder.path} is served by another process${servedBy(folder)}; stop that one first.`,
      { cause },
    );
  }
  return { [Symbol.dispose]: () => database.close() };
}

function servedBy(folder: DataFolder): string {
  try {
    return ` (pid ${JSON.parse(readFileSync(folder.serving, "utf8")).pid})`;
  } catch {
    return "";
  }
}

import { mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../kit/fault.ts";

export interface HandlerFiles {
  /** Holds the handler and nothing else; only this account may enter. */
  readonly folder: string;
  readonly file: string;
  /** Everything that the handler's process may read. */
  readonly readable: readonly string[];
  remove(): Promise<void>;
}

export interface HandlerFilesRequest {
  readonly fileName: string;
  readonly source: string;
  /** Where the private folder is made; the system's temporary folder unless said otherwise. */
  readonly parent: string | undefined;
  /** A folder of npm packages that handlers may import, as Lambda offers the AWS SDK. */
  readonly modulesFolder: string | undefined;
}

const PREFIX = "fleetmint-hook-";

/** Removes what a server that was killed has left in a folder of its own. A shared folder may hold another server's. */
export function removeLeftovers(ownFolder: string): void {
  try {
    for (const name of readdirSync(ownFolder)) {
      if (name.startsWith(PREFIX)) rmSync(join(ownFolder, name), { recursive: true, force: true });
    }
  } catch {
    // A folder that cannot be read cannot be written either, which is said when a handler is.
  }
}

/** Writes a handler's text where its process can load it. @throws Fault store_unavailable if the disk does not take it. */
export function writeHandlerFiles(request: HandlerFilesRequest): HandlerFiles {
  const parent = request.parent ?? tmpdir();
  try {
    // 0700, and its real path: permissions are granted by what a link leads to.
    const folder = realpathSync(mkdtempSync(join(parent, PREFIX)));
    return fill(folder, request);
  } catch (error) {
    const { code = "unknown" } = error as { readonly code?: string };
    throw new Fault("store_unavailable", `The hook's handler could not be written below ${parent} (${code}).`, {
      cause: error,
    });
  }
}

function fill(folder: string, request: HandlerFilesRequest): HandlerFiles {
  try {
    const file = join(folder, request.fileName);
    writeFileSync(file, request.source, { mode: 0o600, flag: "wx" });
    // Ends the search for a package.json here: one further up, anybody's in a shared temporary folder, could change
    // how the file is read. Without a "type" Node tells ES modules from CommonJS by their syntax.
    writeFileSync(join(folder, "package.json"), "{}\n", { mode: 0o600, flag: "wx" });
    const readable = [folder];
    if (request.modulesFolder !== undefined) {
      const modules = realpathSync(request.modulesFolder);
      symlinkSync(modules, join(folder, "node_modules"));
      readable.push(modules);
    }
    return { folder, file, readable, remove: () => rm(folder, { recursive: true, force: true }) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

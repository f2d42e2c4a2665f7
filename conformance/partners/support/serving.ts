import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunOptions, spawnFleetmint } from "./commands.ts";

/** `fleetmint serve` as its own process. */
export interface Serving extends AsyncDisposable {
  /** Of the server itself, not of the launcher that started it. */
  readonly pid: number;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly caFile: string;
  readonly launcher: ChildProcess;
  /** What it has logged so far. */
  log(): string;
  /** Ends it with SIGTERM and resolves when it has gone. */
  stop(): Promise<void>;
}

export interface ServeOptions extends RunOptions {
  readonly args?: readonly string[];
}

/** Starts a server on free ports and resolves when it says that it is ready. */
export function startServing(data: string, options: ServeOptions = {}): Promise<Serving> {
  const command = ["serve", "--data", data, "--mqtt-port", "0", "--http-port", "0", ...(options.args ?? [])];
  return whenReady((readyFile) => spawnFleetmint([...command, "--ready-file", readyFile], options));
}

/** The same for any command that ends in serving. */
export async function whenReady(spawnServer: (readyFile: string) => ChildProcess): Promise<Serving> {
  const folder = mkdtempSync(join(tmpdir(), "fleetmint-ready-"));
  const readyFile = join(folder, "ready.json");
  const launcher = spawnServer(readyFile);
  let log = "";
  launcher.stderr?.on("data", (chunk) => (log += chunk));
  launcher.stdout?.resume();
  const ended = once(launcher, "close");
  try {
    await Promise.race([
      fileAppears(folder, readyFile),
      ended.then(() => Promise.reject(new Error(`the server ended before it was ready:\n${log}`))),
    ]);
    const ready = JSON.parse(readFileSync(readyFile, "utf8")) as Omit<Serving, "launcher">;
    const stop = async (): Promise<void> => {
      launcher.kill("SIGTERM");
      await ended;
    };
    return { ...ready, launcher, log: () => log, stop, [Symbol.asyncDispose]: stop };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The ready file is put in place by a rename, so that it is whole when it is there. */
function fileAppears(folder: string, file: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!existsSync(file)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(folder, look);
    look();
  });
}

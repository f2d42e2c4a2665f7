import { once } from "node:events";
import { existsSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { fleetmint, startFleetmint } from "./commands.ts";
import type { Narrator } from "./narrator.ts";

export interface DemoServer extends AsyncDisposable {
  readonly data: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly caFile: string;
}

/** `fleetmint init` and `fleetmint serve` on free ports, as their own process. */
export async function startDemoServer(folder: string, narrator: Narrator): Promise<DemoServer> {
  const data = join(folder, "server");
  if (!existsSync(data)) {
    narrator.command(
      ["init", "--data", data, "--hostname", "localhost"],
      "makes the CA, the keys and the first administrator",
    );
    const made = await fleetmint(["init", "--data", data, "--hostname", "localhost", "--hostname", "127.0.0.1"]);
    if (made.code !== 0) throw new Error(made.stderr || made.stdout);
  }
  const readyFile = join(folder, "ready.json");
  const args = ["serve", "--data", data, "--mqtt-port", "0", "--http-port", "0", "--ready-file", readyFile];
  narrator.command(args, "serves devices and administrators");
  const child = startFleetmint(args);
  let output = "";
  child.stderr?.on("data", (chunk) => (output = (output + chunk).slice(-4000)));
  child.stdout?.resume();
  const ended = once(child, "exit");
  const ready = await Promise.race([
    fileAppears(folder, readyFile),
    ended.then(() => {
      throw new Error(`the server ended before it was ready:\n${output}`);
    }),
  ]);
  return {
    data,
    ...ready,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function fileAppears(folder: string, file: string): Promise<{ mqttPort: number; httpPort: number; caFile: string }> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!existsSync(file)) return;
      watcher.close();
      resolve(JSON.parse(readFileSync(file, "utf8")));
    };
    const watcher = watch(folder, look);
    look();
  });
}

import { openPorts } from "../agent-ports.ts";
import { lockStore } from "../identity/store-lock.ts";
import { runAgent } from "../run/run-agent.ts";
import { realSystem } from "../system/system.ts";
import { loadConfig } from "./load-config.ts";
import type { Output } from "./output.ts";

/** Until SIGTERM or SIGINT, or the end of the launcher that started it, which end the connection politely. */
export async function runCommand(
  { config: path }: { config: string; output: "text" | "json" },
  output: Output,
): Promise<number> {
  const config = loadConfig(path, output.say);
  const ports = openPorts(config, realSystem, output.say);
  const unlock = lockStore(ports.store.prepare());
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal).on("disconnect", onSignal);
  if (process.connected === false) stop.abort();
  try {
    await runAgent(ports, config, stop.signal);
    output.say("Stopped.");
    return 0;
  } finally {
    process.off("SIGTERM", onSignal).off("SIGINT", onSignal).off("disconnect", onSignal);
    unlock();
  }
}

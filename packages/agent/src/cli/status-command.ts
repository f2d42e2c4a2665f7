import { openPorts } from "../agent-ports.ts";
import { describeStatus, readStatus } from "../status/read-status.ts";
import { realSystem } from "../system/system.ts";
import { loadConfig } from "./load-config.ts";
import type { Output } from "./output.ts";

/** 0 where there is a valid identity, 1 where there is none, so that a script can ask. */
export async function statusCommand(
  { config: path }: { config: string; output: "text" | "json" },
  output: Output,
): Promise<number> {
  const config = loadConfig(path, output.say);
  const ports = openPorts(config, realSystem, output.say);
  const status = await readStatus(ports, config);
  output.result(describeStatus(status), status);
  return status.state === "provisioned" ? 0 : 1;
}

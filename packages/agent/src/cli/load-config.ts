import { homedir, hostname } from "node:os";
import { resolve } from "node:path";
import { readPem } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { readConfig } from "../config/read-config.ts";

/** Reads the configuration file with what this machine adds to it, and says what was ignored. */
export function loadConfig(path: string, say: (line: string) => void): AgentConfig {
  const file = resolve(path);
  const text = readPem(file, "--config", "a configuration (`fleetmint-agent --help` shows one)");
  const stateFolder = process.env["STATE_DIRECTORY"];
  const surroundings = { homeFolder: homedir(), hostname: hostname() };
  const config = readConfig(text, file, stateFolder ? { ...surroundings, stateFolder } : surroundings);
  for (const note of config.notes) say(`note: ${note}`);
  return config;
}

// Programs as their own processes, the way people and init systems start them: ours through their `bin/`, others by name.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CLI = `${ROOT}packages/cli/bin/fleetmint.js`;
const AGENT = `${ROOT}packages/agent/bin/fleetmint-agent.js`;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Put before the command: `ip netns exec NAME`, for example. */
  readonly within?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Standard input stays open after it: some programs take its end as their own. */
  readonly keepsInputOpen?: boolean;
  readonly cwd?: string;
}

/** No partner takes longer, or it hangs. */
const TIMEOUT_MS = 60_000;

export const fleetmint = (args: readonly string[], options?: RunOptions): Promise<Finished> =>
  run([process.execPath, CLI, ...args], options);
export const fleetmintAgent = (args: readonly string[], options?: RunOptions): Promise<Finished> =>
  run([process.execPath, AGENT, ...args], options);
export const spawnFleetmint = (args: readonly string[], options?: RunOptions): ChildProcess =>
  start([process.execPath, CLI, ...args], options);

/** A `fleetmint` command that must succeed, and its answer. */
export async function fleetmintJson<Answer>(args: readonly string[], options?: RunOptions): Promise<Answer> {
  const { code, stdout, stderr } = await fleetmint([...args, "-o", "json"], options);
  if (code !== 0) throw new Error(`fleetmint ${args.join(" ")} ended with ${code}:\n${stderr || stdout}`);
  return JSON.parse(stdout) as Answer;
}

/** Runs a command to its end; code 124 if it had to be killed. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(command, options);
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  child.stdin?.on("error", () => undefined);
  child.stdin?.write(options.input ?? "");
  if (options.keepsInputOpen !== true) child.stdin?.end();
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk) => (stdout += chunk));
    child.stderr?.on("data", (chunk) => (stderr += chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 124, stdout, stderr });
    });
  });
}

/** Starts a command with pipes to all three of its streams. */
export function start(command: readonly string[], options: RunOptions = {}): ChildProcess {
  const [program, ...args] = [...(options.within ?? []), ...command];
  return spawn(program!, args, {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NO_COLOR: "1", ...options.environment },
  });
}

/** Runs a command of the operating system that must succeed. */
export function must(...command: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command[0]!, command.slice(1), { encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${command.join(" ")} failed: ${error?.message ?? stderr}`);
}

/** The sentence to skip with where a program is missing. */
export function missing(...programs: readonly string[]): string | undefined {
  const absent = programs.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  return absent.length === 0 ? undefined : `${absent.join(", ")} is not installed`;
}

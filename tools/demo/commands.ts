// The demo runs the real commands, each in its own process, on the Node that runs the demo.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const AGENT = fileURLToPath(new URL("../../packages/agent/src/main.ts", import.meta.url));
const AWS_SDK_DEVICE = fileURLToPath(new URL("./aws-sdk-device.ts", import.meta.url));

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const fleetmint = (args: readonly string[]): Promise<Finished> => finished(start(CLI, args));
export const fleetmintAgent = (args: readonly string[]): Promise<Finished> => finished(start(AGENT, args));
export const awsSdkDevice = (task: object): Promise<Finished> =>
  finished(start(AWS_SDK_DEVICE, [JSON.stringify(task)]));
export const startFleetmint = (args: readonly string[]): ChildProcess => start(CLI, args);

/** Runs a `fleetmint` command that must succeed and answers its JSON. */
export async function fleetmintJson<Answer>(args: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await fleetmint([...args, "-o", "json"]);
  if (code !== 0) throw new Error(`\`fleetmint ${args.join(" ")}\` ended with ${code}:\n${stderr || stdout}`);
  return JSON.parse(stdout) as Answer;
}

function start(program: string, args: readonly string[]): ChildProcess {
  // The same flags as ours: resolution of workspace sources, and the OpenSSL file without session tickets.
  // The channel closes when the demo dies, however it dies, and the server ends with it.
  return spawn(process.execPath, [...process.execArgv, program, ...args], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
}

function finished(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk) => (stdout += chunk));
    child.stderr?.on("data", (chunk) => (stderr += chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AgentFault } from "../agent-fault.ts";
import { createExclusively, readIfPresent } from "../system/durable-files.ts";

const LOCK = "lock";
const ATTEMPTS = 3;

/**
 * Keeps a second agent off the same store. Returns what releases it. The lock of a process that was killed names
 * a process that is gone, and is taken over.
 */
export function lockStore(folder: string): () => void {
  const path = join(folder, LOCK);
  const mine = describeProcess(process.pid) ?? `${process.pid}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (createExclusively(folder, LOCK, mine, `${process.pid}`)) {
      sweep(folder);
      return () => release(path, mine);
    }
    const holder = readIfPresent(path);
    if (holder !== undefined && isAlive(holder)) throw busy(folder, holder);
    rmSync(path, { force: true });
  }
  throw busy(folder, "unknown");
}

/** Removes what killed processes left while they were taking the lock. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = /^lock\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && describeProcess(Number(pid)) === undefined) rmSync(join(folder, name), { force: true });
  }
}

function release(path: string, mine: string): void {
  if (readIfPresent(path) === mine) rmSync(path, { force: true });
}

/** Process number and, on Linux, its start time, because numbers are used again. Undefined where it is gone. */
function describeProcess(pid: number): string | undefined {
  try {
    // The name in brackets may hold spaces; the start time is the 20th field after it (proc_pid_stat(5), field 22).
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return `${pid} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

function isAlive(holder: string): boolean {
  const pid = Number.parseInt(holder, 10);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  const known = describeProcess(pid);
  if (known !== undefined || process.platform === "linux") return known === holder;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function busy(folder: string, holder: string): AgentFault {
  return new AgentFault({
    kind: "refused",
    reason: "store_busy",
    message: `Another fleetmint-agent (process ${holder.split(" ")[0]}) is using this identity store.`,
    at: folder,
    fix: "stop it first (`fleetmint-agent run` provisions by itself), or give each agent a store of its own",
  });
}

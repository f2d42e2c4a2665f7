// What strace is asked, and what it wrote down.
import { spawnSync } from "node:child_process";

/** A call of one thread, as strace logged it. Entering and returning are two places in the log when another thread ran between. */
export interface SystemCall {
  readonly pid: number;
  readonly name: string;
  /** Everything between the brackets, file descriptors with their paths. */
  readonly args: string;
  readonly result: number;
  readonly enteredAt: number;
  readonly returnedAt: number;
  readonly injected: boolean;
}

export interface Injection {
  readonly call: string;
  /** Counted from 1 in the thread that makes the call, from the start of the process. */
  readonly occurrence: number;
  readonly effect: "signal=KILL" | "error=EIO" | "error=ENOSPC";
}

/** A reason to skip, or false. */
export function whyNoStrace(): string | false {
  return spawnSync("strace", ["--version"]).error === undefined
    ? false
    : "strace is not installed; on Debian: apt-get install strace";
}

/** Arguments that log these calls of every thread, with paths and addresses instead of bare descriptors. */
export function logging(calls: readonly string[], file: string): string[] {
  return ["--seccomp-bpf", ...tracing(calls, file)];
}

/** Arguments that do something at one call and log it. */
export function injecting({ call, occurrence, effect }: Injection, file: string): string[] {
  const inject = ["-e", `inject=${call}:${effect}:when=${occurrence}`];
  // The faster way of tracing stops at calls where the kernel delivers no signal.
  return [...(effect === "signal=KILL" ? tracing([call], file) : logging([call], file)), ...inject];
}

function tracing(calls: readonly string[], file: string): string[] {
  return ["-f", "-qq", "-yy", "-o", file, "-e", `trace=${calls.join(",")}`];
}

export function describeInjection({ call, occurrence, effect }: Injection): string {
  return `${effect} at ${call} number ${occurrence}`;
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)/s;
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/s;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+|\?)/s;

export function readCalls(log: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const begun = new Map<string, { readonly args: string; readonly enteredAt: number }>();
  for (const [at, line] of log.split("\n").entries()) {
    const injected = line.includes("(INJECTED)");
    const start = BEGUN.exec(line);
    if (start !== null) begun.set(`${start[1]} ${start[2]}`, { args: start[3]!, enteredAt: at });
    const resumed = start === null ? RESUMED.exec(line) : null;
    const match = start === null ? (resumed ?? WHOLE.exec(line)) : null;
    if (match === null) continue;
    const [, pid, name, args, result] = match as unknown as [string, string, string, string, string];
    const before = resumed === null ? undefined : begun.get(`${pid} ${name}`);
    calls.push({
      pid: Number(pid),
      name,
      args: `${before?.args ?? ""}${args}`,
      result: Number(result),
      enteredAt: before?.enteredAt ?? at,
      returnedAt: at,
      injected,
    });
  }
  return calls;
}

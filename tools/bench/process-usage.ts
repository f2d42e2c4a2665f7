// What a process has used, as the kernel counts it: CPU of all its threads in nanoseconds (not in ticks), and resident memory.
import { readdirSync, readFileSync } from "node:fs";

export interface Usage {
  readonly cpuMicroseconds: number;
  readonly rssBytes: number;
}

export function processUsage(pid: number): Usage {
  const folder = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(folder).reduce((total, thread) => total + threadTime(`${folder}/${thread}`), 0);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { cpuMicroseconds: nanoseconds / 1000, rssBytes: rssKilobytes * 1024 };
}

/** The first number of schedstat is the time spent on a CPU. */
function threadTime(folder: string): number {
  return Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ")[0]);
}

// Proves from the order of system calls that no answer left before its commit was on the disk.
import type { SystemCall } from "./strace.ts";

/** One answer that the device received. */
export interface Answer {
  readonly what: string;
  /** Its payload's; what travels is larger by topic, headers and encryption. */
  readonly bytes: number;
  /** Commits between the request and this answer. */
  readonly commits: number;
}

export interface AnswerOrder {
  /** The port at which the server listens for devices. */
  readonly port: number;
  readonly answers: readonly Answer[];
}

/** The calls that this needs to see. */
export const ORDER_CALLS = ["read", "write", "writev", "sendmsg", "pwrite64", "fsync", "fdatasync"] as const;

/** Topic, headers and encryption add no more than this to a payload. The handshake is larger, acknowledgements are smaller. */
const ENVELOPE = 256;

interface Progress {
  /** The log holds bytes that no fsync has covered. */
  dirty: boolean;
  /** Commits that reached the disk since the device was last read. */
  commits: number;
}

/** What is out of order, a sentence each. */
export function outOfOrder(calls: readonly SystemCall[], { port, answers }: AnswerOrder): string[] {
  const problems: string[] = [];
  const waiting = [...answers];
  const progress: Progress = { dirty: false, commits: 0 };
  for (const { call } of inOrder(calls)) {
    if (isOfDevice(call, port) && call.name !== "read") {
      const answer = waiting[0];
      if (answer === undefined || !isOfSize(call.result, answer.bytes)) continue;
      waiting.shift();
      problems.push(...judge(answer, progress));
    } else advance(progress, call, port);
  }
  return [...problems, ...waiting.map(({ what }) => `${what} was never seen to leave`)];
}

function isOfSize(written: number, bytes: number): boolean {
  return written >= bytes && written < bytes + ENVELOPE;
}

function judge({ what, commits }: Answer, progress: Progress): string[] {
  if (progress.dirty) return [`${what} left while its commit was written and not yet synchronized`];
  if (progress.commits >= commits) return [];
  return [`${what} left after ${progress.commits} commits on the disk instead of ${commits}`];
}

function advance(progress: Progress, call: SystemCall, port: number): void {
  if (isOfDevice(call, port)) progress.commits = call.result > 0 ? 0 : progress.commits;
  else if (!call.args.includes("fleetmint.db-wal>")) return;
  else if (call.name === "pwrite64") progress.dirty = true;
  else if (isSync(call) && call.result === 0 && progress.dirty) {
    progress.dirty = false;
    progress.commits += 1;
  }
}

/** What leaves counts when it is begun, what must be durable when it has returned. */
function inOrder(calls: readonly SystemCall[]): { readonly call: SystemCall; readonly at: number }[] {
  return calls
    .map((call) => ({ call, at: isSync(call) || call.name === "read" ? call.returnedAt : call.enteredAt }))
    .sort((a, b) => a.at - b.at);
}

function isSync({ name }: SystemCall): boolean {
  return name === "fsync" || name === "fdatasync";
}

function isOfDevice({ args }: SystemCall, port: number): boolean {
  return new RegExp(`^\\d+<TCP(?:v6)?:\\[[^>]*:${port}->`).test(args);
}

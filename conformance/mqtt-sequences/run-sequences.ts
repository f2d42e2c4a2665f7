import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { playSequence } from "./play-sequence.ts";
import { loadSequences, type Sequence } from "./sequence.ts";
import type { Patience } from "./sequence-socket.ts";

export interface RunOptions {
  readonly host: string;
  readonly port: number;
  readonly folder: string;
  /** How many sequences play at once, where they cannot disturb each other. */
  readonly concurrency: number;
  /** How to reach the server instead of plain TCP, for example through TLS with a client certificate. */
  readonly dial?: () => Promise<Duplex>;
  /** How long to wait for what must come; only a failing sequence ever waits so long. */
  readonly patienceMs?: number;
}

export interface SequenceFailure {
  readonly group: string;
  readonly name: string;
  readonly reason: string;
}

export interface RunResult {
  readonly total: number;
  readonly failures: readonly SequenceFailure[];
}

const PATIENCE_MS = 1_500;

/** Plays all packet sequences of `folder` against a server. */
export async function runSequences(options: RunOptions): Promise<RunResult> {
  const { host, port, folder, concurrency, patienceMs = PATIENCE_MS } = options;
  const ports = { dial: options.dial ?? (() => dialTcp(host, port)), patience: patienceOf(patienceMs) };
  const sequences = await loadSequences(folder);
  const failures: SequenceFailure[] = [];
  const play = async (sequence: Sequence) => {
    const { group, name } = sequence;
    await playSequence(sequence, ports).catch((error: Error) => failures.push({ group, name, reason: error.message }));
  };
  await inParallel(
    sequences.filter((one) => !needsQuiet(one)),
    concurrency,
    play,
  );
  for (const sequence of sequences.filter(needsQuiet)) await play(sequence);
  return { total: sequences.length, failures };
}

/**
 * Sequences that connect by themselves all use the client identifier `p`, FLOW and REGRESSION the same topics, and a
 * retained message reaches whoever subscribes later: these play alone, in the order of the files.
 */
function needsQuiet({ group, connects, steps }: Sequence): boolean {
  return (
    connects || /FLOW|REGRESSION/.test(group) || steps.some((step) => step.type === "send" && isRetained(step.bytes))
  );
}

function isRetained([first = 0]: Buffer): boolean {
  return first >> 4 === 3 && (first & 1) === 1;
}

function patienceOf(delayMs: number): Patience {
  return (expire) => {
    const timer = setTimeout(expire, delayMs);
    return () => clearTimeout(timer);
  };
}

async function inParallel<T>(items: readonly T[], width: number, run: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

async function dialTcp(host: string, port: number): Promise<Duplex> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

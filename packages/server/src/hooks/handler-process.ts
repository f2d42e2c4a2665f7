// One process of a handler, seen from the server. What protects the server from it:
// - Node's permission model: it reads its own folder (and the operator's modules folder) and nothing else, writes nothing, starts
//   no processes, workers, add-ons or debuggers. The network stays open, because people own handlers that call APIs.
// - node:sqlite is switched off: it opens any file past the permission model (Node 24.21). Signals, which the model does not
//   cover either, are taken away by the runner.
// - V8's heap is limited at start, and the whole process's memory is watched while it works (Linux); SIGKILL is the answer.
// - Its environment is what the operator named, its protocol a descriptor of its own, its output bounded and scrubbed.
// It runs under the server's account: this keeps mistakes and bad input away from the server, not a determined author.
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { fileURLToPath } from "node:url";
import type { Clock } from "../kit/clock.ts";
import { LIMITS } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { HandlerFiles } from "./handler-files.ts";
import { captureOutput } from "./handler-output.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";

export interface ProcessPorts {
  readonly clock: Clock;
  readonly log: Log;
}

export interface ProcessSettings {
  readonly files: HandlerFiles;
  readonly functionName: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly heapMiB: number;
  readonly residentMiB: number;
}

export type Outcome =
  | { readonly kind: "answer"; readonly answer: unknown }
  | { readonly kind: "threw" | "unusable"; readonly message: string };

export interface ProcessEvents {
  ready(): void;
  answered(id: number, outcome: Outcome): void;
  /** Once, unless `kill` came first; nothing comes after it. */
  ended(reason: string): void;
}

export interface HandlerRequest {
  readonly id: number;
  readonly event: unknown;
  readonly remainingMs: number;
  readonly requestId: string;
}

/** Starts a process; events come later, never from within this call. */
export function startHandlerProcess(
  ports: ProcessPorts,
  settings: ProcessSettings,
  events: ProcessEvents,
): HandlerProcess {
  return new HandlerProcess(ports, settings, events);
}

export class HandlerProcess {
  readonly #ports: ProcessPorts;
  readonly #settings: ProcessSettings;
  readonly #events: ProcessEvents;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #inFlight = new Set<number>();
  #cancelStartTimer: () => void = () => undefined;
  #ready = false;
  #over = false;
  #watching = false;
  /** What the process said of its own end, which tells more than its exit code. */
  #lastWords: string | undefined;

  constructor(ports: ProcessPorts, settings: ProcessSettings, events: ProcessEvents) {
    this.#ports = ports;
    this.#settings = settings;
    this.#events = events;
    this.#child = spawn(process.execPath, programArguments(settings), {
      cwd: settings.files.folder,
      env: environmentOf(settings),
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    this.#closed = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#end(`it could not be started (${error.message})`);
        if (this.#child.pid === undefined) resolve();
      });
      // After "close" every stream has ended, so that last words have been read.
      this.#child.once("close", (code, signal) => {
        this.#end(this.#lastWords ?? describeExit(code, signal, settings.heapMiB));
        resolve();
      });
    });
    this.#listen();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(request: HandlerRequest): void {
    this.#inFlight.add(request.id);
    this.#wire?.write(`${JSON.stringify(request)}\n`);
    this.#watchMemory();
  }

  /** Ends the process at once, whatever it does. No event comes after this. */
  kill(): Promise<void> {
    this.#over = true;
    this.#cancelStartTimer();
    this.#child.kill("SIGKILL");
    return this.#closed;
  }

  get #wire(): Duplex | undefined {
    return (this.#child.stdio?.[3] as Duplex | null | undefined) ?? undefined;
  }

  #listen(): void {
    const { clock, log } = this.#ports;
    const hook = this.#settings.functionName;
    for (const name of ["stdout", "stderr"] as const) {
      const stream: Readable | null = this.#child[name];
      if (stream !== null)
        captureOutput(stream, clock, (line) => log.info("hook handler output", { hook, stream: name, line }));
    }
    if (this.#wire !== undefined)
      readLines(
        this.#wire,
        (line) => this.#receive(line),
        () => this.#protocolBroken(),
      );
    this.#cancelStartTimer = clock.after(HOOK_LIMITS.startTimeoutMs, () => {
      this.#abandon(`it did not finish loading within ${HOOK_LIMITS.startTimeoutMs / 1000} s`);
    });
    this.#watchMemory();
  }

  #receive(line: string): void {
    const message = parseMessage(line);
    if (this.#over) return;
    if (message === undefined) {
      this.#protocolBroken();
    } else if (message.kind === "ready") {
      this.#ready = true;
      this.#cancelStartTimer();
      this.#events.ready();
    } else if ("id" in message) {
      if (this.#inFlight.delete(message.id)) this.#events.answered(message.id, message);
    } else {
      this.#lastWords = message.message;
    }
  }

  #protocolBroken(): void {
    this.#abandon("it wrote something that is not an answer on the descriptor it is asked through");
  }

  #abandon(reason: string): void {
    if (this.#over) return;
    this.#end(reason);
    this.#child.kill("SIGKILL");
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelStartTimer();
    this.#events.ended(reason);
  }

  /** Off the heap a handler may fill buffers without a limit of V8's; while it loads or works, its pages are counted. */
  #watchMemory(): void {
    if (this.#watching || process.platform !== "linux") return;
    this.#watching = true;
    this.#ports.clock.after(HOOK_LIMITS.residentCheckMs, () => void this.#checkMemory());
  }

  async #checkMemory(): Promise<void> {
    const residentMiB = await residentMemoryMiB(this.#child.pid);
    this.#watching = false;
    if (residentMiB > this.#settings.residentMiB) {
      this.#abandon(`it used more than ${this.#settings.residentMiB} MiB of memory`);
    }
    if (!this.#over && (!this.#ready || this.#inFlight.size > 0)) this.#watchMemory();
  }
}

function programArguments(settings: ProcessSettings): string[] {
  // The same file as this one has: .ts from source, .js when built.
  const runner = fileURLToPath(new URL(`./handler-runner${extname(import.meta.filename)}`, import.meta.url));
  return [
    "--permission",
    ...[...settings.files.readable, runner].map((path) => `--allow-fs-read=${path}`),
    `--max-old-space-size=${settings.heapMiB}`,
    "--no-experimental-sqlite",
    "--disable-sigusr1",
    "--disable-warning=ExperimentalWarning",
    "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
    runner,
    settings.files.file,
    settings.functionName,
    String(LIMITS.hookAnswerBytes),
  ];
}

function environmentOf(settings: ProcessSettings): Record<string, string> {
  return {
    TZ: "UTC",
    AWS_LAMBDA_FUNCTION_NAME: settings.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    LAMBDA_TASK_ROOT: settings.files.folder,
    ...settings.environment,
  };
}

/** Room for the answer and what stands around it; a longer line is not ours. */
const LINE_BYTES = LIMITS.hookAnswerBytes + 1024;

function readLines(stream: Duplex, line: (text: string) => void, tooLong: () => void): void {
  const decoder = new StringDecoder("utf8");
  let pending = "";
  stream.on("error", () => undefined);
  stream.on("data", (chunk: Buffer) => {
    const lines = (pending + decoder.write(chunk)).split("\n");
    pending = lines.pop() ?? "";
    for (const text of lines) line(text);
    if (pending.length > LINE_BYTES) {
      pending = "";
      tooLong();
    }
  });
}

type Message =
  | { readonly kind: "ready" }
  | { readonly kind: "load-failed" | "died"; readonly message: string }
  | (Outcome & { readonly id: number });

function parseMessage(line: string): Message | undefined {
  try {
    const message = JSON.parse(line) as Partial<Record<"kind" | "id" | "message" | "answer", unknown>> | null;
    const { kind, id, message: text, answer } = message ?? {};
    if (kind === "ready") return { kind };
    if ((kind === "load-failed" || kind === "died") && typeof text === "string") return { kind, message: text };
    if (typeof id !== "number") return undefined;
    if (kind === "answer") return { kind, id, answer };
    return (kind === "threw" || kind === "unusable") && typeof text === "string"
      ? { kind, id, message: text }
      : undefined;
  } catch {
    return undefined;
  }
}

function describeExit(code: number | null, signal: string | null, heapMiB: number): string {
  if (signal === null) return `it ended by itself with exit code ${code}`;
  // V8 ends a process that has no heap left in one of these ways.
  const outOfHeap = signal === "SIGABRT" || signal === "SIGTRAP";
  return `it was ended by ${signal}${outOfHeap ? `, as happens where ${heapMiB} MiB of memory do not suffice` : ""}`;
}

async function residentMemoryMiB(pid: number | undefined): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "latin1");
    return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

// The server as a process of its own that a test may kill, stop at a point, or run under strace.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Target } from "../simulated-device.ts";
import type { Announcement, FaultPlan } from "./fault-plan.ts";

export interface DoomedServerOptions {
  readonly folder: string;
  readonly plan?: FaultPlan;
  /** Arguments of strace, under which the server then runs. */
  readonly strace?: readonly string[];
  /** A module that is loaded before the server's own. */
  readonly preload?: string;
}

export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Closed = Extract<Announcement, { kind: "closed" }>;

const PROGRAM = fileURLToPath(new URL("./server-process.ts", import.meta.url));
/** Compiled modules, which only a process that ends cleanly leaves and a killed one finds: they halve the time of a start. */
const COMPILED = mkdtempSync(join(tmpdir(), "fleetmint-compiled-"));
process.once("exit", () => rmSync(COMPILED, { recursive: true, force: true }));

export class DoomedServer implements AsyncDisposable {
  readonly folder: string;
  /** Settles when the process is gone. */
  readonly ended: Promise<ServerEnd>;
  /** Everything it wrote to standard error. */
  stderr = "";
  target: Target | undefined;
  onPaused: () => void = () => undefined;
  #pid: number | undefined;
  #closed: Closed | undefined;
  #hasEnded = false;
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.folder = folder;
    const { promise, resolve, reject } = Promise.withResolvers<ServerEnd>();
    this.ended = promise;
    child.once("error", reject);
    child.once("close", (code, signal) => {
      this.#hasEnded = true;
      this.#ready.resolve();
      resolve({ code, signal });
    });
    child.stderr?.on("data", (chunk) => {
      this.stderr += chunk;
    });
    createInterface({ input: child.stdout! }).on("line", (line) => this.#hear(JSON.parse(line) as Announcement));
  }

  /** Resolves when the server accepts connections, or when it ended before. */
  static async start(options: DoomedServerOptions): Promise<DoomedServer> {
    const { folder, plan, strace, preload } = options;
    const node = [
      process.execPath,
      ...process.execArgv.filter((flag) => flag.startsWith("--openssl-config=")),
      "--conditions=source",
      "--disable-warning=ExperimentalWarning",
      ...(preload === undefined ? [] : ["--import", preload]),
      PROGRAM,
      folder,
      ...(plan === undefined ? [] : [JSON.stringify(plan)]),
    ];
    const [command, ...args] = strace === undefined ? node : ["strace", ...strace, ...node];
    const child = spawn(command!, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
    });
    const server = new DoomedServer(child, folder);
    await Promise.race([server.#ready.promise, server.ended]);
    return server;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** How often each point was passed; known once the server has closed in order. */
  get passed(): Closed["passed"] {
    return this.#closed?.passed ?? {};
  }

  /** Lets a server that stands still go on. */
  resume(): void {
    this.#child.stdin!.write("\n");
  }

  /** Asks it to end in order; resolves when it is gone, however. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<ServerEnd> {
    // The server, not a strace in front of it.
    if (!this.#hasEnded && this.#pid !== undefined) killIfThere(this.#pid, signal);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    if (this.#pid === undefined) this.#child.kill("SIGKILL");
    await this.stop("SIGKILL");
  }

  #hear(announcement: Announcement): void {
    if (announcement.kind === "paused") this.onPaused();
    else if (announcement.kind === "closed") this.#closed = announcement;
    else {
      const { pid, mqttPort: port } = announcement;
      this.#pid = pid;
      this.target = { host: "localhost", port, caPem: readFileSync(join(this.folder, "ca.pem"), "utf8") };
      this.#ready.resolve();
    }
  }
}

function killIfThere(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

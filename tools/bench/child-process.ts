// Programs of the benchmark that run as processes of their own, so that CPU and memory of each can be told apart. They are asked
// by name over Node's channel between parent and child; whoever loses the channel ends.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { processUsage, type Usage } from "./process-usage.ts";

/** What a child can be asked: one request in, one answer out. */
export type Calls = { readonly [Name in string]: (request: never) => Promise<unknown> };

type Request<Call> = Call extends (request: infer Asked) => Promise<unknown> ? Asked : never;
type Answer<Call> = Call extends (request: never) => Promise<infer Answered> ? Answered : never;

export interface Child<Answers extends Calls> extends AsyncDisposable {
  readonly pid: number;
  call<Name extends keyof Answers & string>(
    name: Name,
    request: Request<Answers[Name]>,
  ): Promise<Answer<Answers[Name]>>;
  /** CPU and memory until now. */
  usage(): Promise<Usage>;
  /** Collects garbage, so that what is held can be told from what was left lying. */
  collectGarbage(): Promise<void>;
  /** As a power cut would: nothing is finished. */
  kill(): Promise<void>;
}

export interface ChildRequest {
  readonly program: URL;
  readonly args?: readonly string[];
  /** In addition to the flags that this process was started with. */
  readonly flags?: readonly string[];
}

const BUILT_IN: Calls = {
  async usage(): Promise<Usage> {
    const { user, system } = process.cpuUsage();
    return { cpuMicroseconds: user + system, rssBytes: process.memoryUsage.rss() };
  },
  async collectGarbage(): Promise<void> {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    collect();
  },
};

interface Message {
  readonly id: number;
  readonly name: string;
  readonly request: unknown;
}

type Reply = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string };

/** Starts a program and resolves when it answers calls. */
export async function startChild<Answers extends Calls>(request: ChildRequest): Promise<Child<Answers>> {
  const child = fork(fileURLToPath(request.program), [...(request.args ?? [])], {
    execArgv: [...process.execArgv, ...(request.flags ?? [])],
    serialization: "advanced",
  });
  const ended = once(child, "exit");
  const name = fileURLToPath(request.program);
  await Promise.race([
    once(child, "message"),
    ended.then(([code]) => Promise.reject(new Error(`${name} ended with ${code} before it was ready.`))),
  ]);
  const call = caller(child, name);
  const pid = child.pid!;
  return {
    pid,
    call: call as Child<Answers>["call"],
    usage: async () => (existsSync("/proc/self") ? processUsage(pid) : ((await call("usage", undefined)) as Usage)),
    collectGarbage: async () => void (await call("collectGarbage", undefined)),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** The child's side. `close` runs when the parent lets go. */
export function answerCalls(answers: Calls, close: () => Promise<void> = async () => {}): void {
  process.on("message", (message: Message) => void answer({ ...BUILT_IN, ...answers }, message));
  process.on("disconnect", () => void close().finally(() => process.exit(0)));
  // Ctrl-C reaches the whole group; the parent decides when its children end.
  process.on("SIGINT", () => {});
  process.send?.("ready");
}

async function answer(answers: Calls, { id, name, request }: Message): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, answer: await answers[name]!(request as never) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  if (process.connected) process.send?.(reply);
}

function caller(child: ChildProcess, name: string): (call: string, request: unknown) => Promise<unknown> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let calls = 0;
  child.on("message", (reply: Reply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) waiter?.reject(new Error(reply.error));
    else waiter?.resolve(reply.answer);
  });
  child.on("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended unexpectedly (${code ?? signal}).`));
    waiting.clear();
  });
  return (call, request) => {
    if (!child.connected) return Promise.reject(new Error(`${name} runs no more.`));
    const id = ++calls;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.set(id, { resolve, reject });
    child.send({ id, name: call, request } satisfies Message);
    return promise;
  };
}

// The process in which a Lambda-style handler runs. It speaks newline-delimited JSON on descriptor 3 with handler-process.ts,
// which starts it; standard output and error belong to the handler.
//
//   to us:    {"id":1,"event":{…},"remainingMs":4998,"requestId":"…"}
//   from us:  {"kind":"ready"} | {"kind":"load-failed","message"} | {"kind":"died","message"}
//             {"kind":"answer","id":1,"answer":…} | {"kind":"threw","id":1,"message"} | {"kind":"unusable","id":1,"message"}
//
// Nothing here is trusted by the other side: the handler shares this process and could write to the descriptor itself.

import { syncBuiltinESMExports } from "node:module";
import { Socket } from "node:net";
import os from "node:os";
import { pathToFileURL } from "node:url";

type Handler = (event: unknown, context: unknown, callback: (error?: unknown, result?: unknown) => void) => unknown;

interface Request {
  readonly id: number;
  readonly event: unknown;
  readonly remainingMs: number;
  readonly requestId: string;
}

const [, , file = "", functionName = "", answerBytesText = ""] = process.argv;
const answerBytes = Number(answerBytesText);
const wire = new Socket({ fd: 3, readable: true, writable: true });
/** Taken before the handler can replace it. */
const exit = process.exit.bind(process);

keepHandsOffTheServer();
process.on("uncaughtException", (error, origin) => {
  const what = origin === "unhandledRejection" ? "a rejected promise that nothing handles" : "an uncaught error";
  die("died", `${what}: ${describe(error)}`);
});
wire.on("close", () => exit(0));
await start();

async function start(): Promise<void> {
  try {
    serve(await load());
  } catch (error) {
    die("load-failed", describe(error));
  }
}

function serve(handler: Handler): void {
  let pending = "";
  wire.setEncoding("utf8");
  wire.on("data", (chunk: string) => {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) void answer(handler, JSON.parse(line) as Request);
  });
  send({ kind: "ready" });
}

/** Node's `import` takes ES modules, CommonJS and TypeScript alike. */
async function load(): Promise<Handler> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const fallback = module["default"];
  const inner =
    typeof fallback === "object" && fallback !== null ? (fallback as Record<string, unknown>)["handler"] : fallback;
  const handler = module["handler"] ?? inner;
  if (typeof handler !== "function") throw new Error("the file exports no function named handler");
  return handler as Handler;
}

async function answer(handler: Handler, request: Request): Promise<void> {
  const { id } = request;
  let result: unknown;
  try {
    result = await invoke(handler, request);
  } catch (error) {
    send({ kind: "threw", id, message: describe(error) });
    return;
  }
  try {
    sendAnswer(id, JSON.stringify(result ?? null));
  } catch (error) {
    send({ kind: "unusable", id, message: `cannot be written as JSON: ${describe(error)}` });
  }
}

function sendAnswer(id: number, json: string | undefined): void {
  if (json === undefined) send({ kind: "unusable", id, message: "cannot be written as JSON" });
  else if (Buffer.byteLength(json) > answerBytes)
    send({ kind: "unusable", id, message: `is longer than ${answerBytes} bytes` });
  else wire.write(`{"kind":"answer","id":${id},"answer":${json}}\n`);
}

/**
 * A promise's value, the callback's, or a value returned at once. A handler that takes no callback and returns nothing
 * will never answer, so it is not waited for.
 */
function invoke(handler: Handler, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback = (error?: unknown, result?: unknown) => {
      if (error === undefined || error === null) resolve(result);
      else reject(error);
    };
    const returned = handler(request.event, contextOf(request), callback);
    if (returned !== undefined || handler.length < 3) resolve(returned);
  });
}

function contextOf(request: Request): object {
  const endsAtMs = performance.now() + request.remainingMs;
  return {
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: "128",
    awsRequestId: request.requestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: request.requestId,
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(endsAtMs - performance.now())),
  };
}

/**
 * Node's permission model does not cover signals and priorities. Without this a handler could stop the server that started it,
 * or have it open its debugger (SIGUSR1 does) and take it over.
 */
function keepHandsOffTheServer(): void {
  const { kill } = process;
  const { setPriority } = os;
  process.kill = (pid, signal) => {
    if (pid !== process.pid) throw new Error("a handler may not signal other processes");
    return kill.call(process, pid, signal);
  };
  os.setPriority = ((...args: [number, number?]) => {
    if (args.length > 1 && args[0] !== 0 && args[0] !== process.pid) {
      throw new Error("a handler may not change the priority of other processes");
    }
    return (setPriority as (...priority: unknown[]) => void)(...args);
  }) as typeof os.setPriority;
  for (const name of ["_kill", "_debugProcess", "_debugEnd"]) Reflect.deleteProperty(process, name);
  syncBuiltinESMExports();
}

function describe(error: unknown): string {
  try {
    const { message } = (error ?? {}) as { readonly message?: unknown };
    return (typeof message === "string" ? message : String(error)).slice(0, 2048);
  } catch {
    return "something that cannot be printed";
  }
}

function die(kind: "load-failed" | "died", message: string): void {
  wire.write(`${JSON.stringify({ kind, message })}\n`, () => exit(1));
}

function send(message: object): void {
  wire.write(`${JSON.stringify(message)}\n`);
}

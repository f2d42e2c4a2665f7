// Several load processes as one: work is dealt out, outcomes are put together.
import type { Credentials, Target } from "@fleetmint/testkit";
import { type Child, startChild } from "./child-process.ts";
import type { LoadCalls, LoadOutcome } from "./load-process.ts";

export interface Load extends AsyncDisposable {
  aim(request: { target: Target; claim: Credentials; issuingPem: string }): Promise<void>;
  /** Makes keys and CSRs of new devices, each with a serial number of its own. */
  prepare(count: number): Promise<void>;
  provision(): Promise<LoadOutcome>;
  /** One device each interval. */
  provisionPaced(intervalMs: number): Promise<LoadOutcome>;
  /** One device for whoever needs one. */
  identity(): Promise<{ readonly serialNumber: string; readonly credentials: Credentials }>;
  connect(target: Target, credentials: Credentials, count: number): Promise<void>;
  hold(target: Target, credentials: Credentials, count: number): Promise<void>;
  release(): Promise<void>;
}

export interface LoadSettings {
  readonly processes: number;
  readonly concurrency: number;
}

export async function startLoad({ processes, concurrency }: LoadSettings): Promise<Load> {
  const program = new URL("./load-process.ts", import.meta.url);
  const children = await Promise.all(Array.from({ length: processes }, () => startChild<LoadCalls>({ program })));
  const each = <Result>(run: (child: Child<LoadCalls>, index: number) => PromiseLike<Result>) =>
    Promise.all(children.map(run));
  const own = Math.max(1, Math.round(concurrency / processes));
  const connections = (target: Target, credentials: Credentials, count: number, index: number) => ({
    target,
    credentials,
    count: share(count, processes, index),
    concurrency: own,
  });
  let serials = 0;
  const nextSerials = (count: number) => Array.from({ length: count }, () => `B${String(++serials).padStart(7, "0")}`);
  return {
    async aim(request) {
      await each((child, index) => child.call("aim", { ...request, localAddress: localAddress(index) }));
    },
    async prepare(count) {
      await each((child, index) => child.call("prepare", nextSerials(share(count, processes, index))));
    },
    provision: async () => together(await each((child) => child.call("provision", { concurrency: own }))),
    provisionPaced: async (intervalMs) =>
      together(
        await each((child, index) =>
          child.call("provisionPaced", { intervalMs: intervalMs * processes, offsetMs: intervalMs * index }),
        ),
      ),
    async identity() {
      const [serialNumber] = nextSerials(1) as [string];
      await children[0]!.call("prepare", [serialNumber]);
      return { serialNumber, credentials: await children[0]!.call("identity", undefined as never) };
    },
    async connect(target, credentials, count) {
      await each((child, index) => child.call("connect", connections(target, credentials, count, index)));
    },
    async hold(target, credentials, count) {
      await each((child, index) => child.call("hold", connections(target, credentials, count, index)));
    },
    async release() {
      await each((child) => child.call("release", undefined as never));
    },
    async [Symbol.asyncDispose]() {
      await each((child) => child[Symbol.asyncDispose]());
    },
  };
}

function share(count: number, parts: number, index: number): number {
  return Math.floor((count * (index + 1)) / parts) - Math.floor((count * index) / parts);
}

/** Linux answers for all of 127.0.0.0/8, so that each load process is a client address of its own. */
function localAddress(index: number): string | undefined {
  return process.platform === "linux" ? `127.0.0.${index + 2}` : undefined;
}

function together(outcomes: readonly LoadOutcome[]): LoadOutcome {
  return {
    succeeded: outcomes.flatMap(({ succeeded }) => succeeded),
    failures: outcomes.flatMap(({ failures }) => failures),
    latenciesMs: outcomes.flatMap(({ latenciesMs }) => latenciesMs),
  };
}

// The load: devices in a process of their own, whose CPU is nobody's concern.
import { X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Credentials, SimulatedDevice, Target } from "@fleetmint/testkit";
import { answerCalls } from "./child-process.ts";
import {
  connectDevice,
  contextOf,
  type NewDevice,
  newDevice,
  type ProvisioningPlace,
  provisionChecked,
} from "./provision-checked.ts";

export interface LoadOutcome {
  /** Serial numbers of devices that have their identity and have connected with it. */
  readonly succeeded: readonly string[];
  readonly failures: readonly string[];
  /** From when the device was due to its second CONNACK. */
  readonly latenciesMs: readonly number[];
}

export interface ConnectRequest {
  readonly target: Target;
  readonly credentials: Credentials;
  readonly count: number;
  readonly concurrency: number;
}

export type LoadCalls = {
  aim(request: {
    target: Target;
    claim: Credentials;
    issuingPem: string;
    localAddress: string | undefined;
  }): Promise<void>;
  /** Makes keys and CSRs for the next provisionings. */
  prepare(serialNumbers: readonly string[]): Promise<void>;
  /** As fast as it goes, so many at a time. */
  provision(request: { concurrency: number }): Promise<LoadOutcome>;
  /** One each interval, however long the others take. */
  provisionPaced(request: { intervalMs: number; offsetMs: number }): Promise<LoadOutcome>;
  /** One identity, for who needs a device. */
  identity(): Promise<Credentials>;
  /** Connects and says goodbye. */
  connect(request: ConnectRequest): Promise<void>;
  /** Connects and stays, until `release`. */
  hold(request: ConnectRequest): Promise<void>;
  release(): Promise<void>;
};

let place: ProvisioningPlace;
let waiting: NewDevice[] = [];
let held: SimulatedDevice[] = [];

const calls: LoadCalls = {
  async aim({ target, claim, issuingPem, localAddress }) {
    const issuingCertificate = new X509Certificate(issuingPem);
    if (!issuingCertificate.verify(new X509Certificate(target.caPem).publicKey)) {
      throw new Error("The issuing certificate is not the root's.");
    }
    place = { target, claim: contextOf(target.caPem, claim), issuingCertificate, localAddress };
  },
  async prepare(serialNumbers) {
    waiting = await Promise.all(serialNumbers.map(newDevice));
  },
  async provision({ concurrency }) {
    const outcome = emptyOutcome();
    await inParallel(waiting.splice(0), concurrency, (device) => provisionInto(outcome, device, performance.now()));
    return outcome;
  },
  async provisionPaced({ intervalMs, offsetMs }) {
    const outcome = emptyOutcome();
    const startMs = performance.now() + offsetMs;
    const running = waiting.splice(0).map(async (device, index) => {
      const dueMs = startMs + index * intervalMs;
      await sleep(Math.max(0, dueMs - performance.now()));
      await provisionInto(outcome, device, dueMs);
    });
    await Promise.all(running);
    return outcome;
  },
  async identity() {
    return (await provisionChecked(place, waiting.shift()!)).credentials;
  },
  async connect({ target, credentials, count, concurrency }) {
    const tls = { secureContext: contextOf(target.caPem, credentials), localAddress: undefined };
    await inParallel(clientIds(count), concurrency, async (clientId) => {
      await using _connected = await connectDevice(target, clientId, tls);
    });
  },
  async hold({ target, credentials, count, concurrency }) {
    const tls = { secureContext: contextOf(target.caPem, credentials), localAddress: undefined };
    await inParallel(clientIds(count), concurrency, async (clientId) => {
      held.push(await connectDevice(target, clientId, tls));
    });
  },
  async release() {
    const leaving = held;
    held = [];
    await Promise.all(leaving.map((device) => device[Symbol.asyncDispose]()));
  },
};
answerCalls(calls);

type GrowingOutcome = { succeeded: string[]; failures: string[]; latenciesMs: number[] };

function emptyOutcome(): GrowingOutcome {
  return { succeeded: [], failures: [], latenciesMs: [] };
}

async function provisionInto(outcome: GrowingOutcome, device: NewDevice, dueMs: number): Promise<void> {
  try {
    const { connectedAtMs } = await provisionChecked(place, device);
    outcome.latenciesMs.push(connectedAtMs - dueMs);
    outcome.succeeded.push(device.serialNumber);
  } catch (error) {
    outcome.failures.push(`${device.serialNumber}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function inParallel<Item>(
  items: readonly Item[],
  concurrency: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await run(items[next++]!);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

let connections = 0;

function clientIds(count: number): string[] {
  return Array.from({ length: count }, () => `bench-${process.pid}-${++connections}`);
}

// The whole measurement, from an empty folder to the figures.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "@fleetmint/testkit";
import { type Child, startChild } from "./child-process.ts";
import type { FloorCalls } from "./floor-process.ts";
import { type IdleMemory, measureIdleMemory } from "./idle-memory.ts";
import {
  createInstallation,
  issuingCertificate,
  type RunningInstallation,
  recordedRefusals,
  serveInstallation,
  setUp,
  storedThings,
  thingNameOf,
} from "./installation.ts";
import { type Load, startLoad } from "./load.ts";
import type { LoadOutcome } from "./load-process.ts";
import { findMosquitto, type Mosquitto, startMosquitto } from "./mosquitto.ts";
import type { BenchOptions } from "./options.ts";
import { createPeerCertificates, type PeerCertificates } from "./peer-certificates.ts";
import { type Measured, measureRound, type Round } from "./rounds.ts";
import { median } from "./statistics.ts";

type IssueBench = typeof import("../../packages/pki/bench/issue.bench.ts");
export type IssueMeasurement = Awaited<ReturnType<IssueBench["measureIssuing"]>>[number];

export interface BenchResult {
  readonly machine: {
    readonly cpu: string;
    readonly node: string;
    readonly openssl: string;
    readonly flags: readonly string[];
  };
  readonly mosquittoVersion: string | undefined;
  readonly rounds: readonly Round[];
  readonly halfLoad: { readonly perSecond: number; readonly latenciesMs: readonly number[] } | undefined;
  readonly idle: { readonly connections: number; readonly repeats: readonly IdleMemory[] } | undefined;
  readonly issuing: readonly IssueMeasurement[];
  readonly correctness: {
    readonly provisioned: number;
    readonly rows: number;
    /** Empty when every answer was right and the store holds exactly what succeeded. */
    readonly faults: readonly string[];
  };
}

type Say = (line: string) => void;

export async function runBench(options: BenchOptions, say: Say): Promise<BenchResult> {
  if (options.folder !== undefined) mkdirSync(options.folder, { recursive: true });
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), "fleetmint-bench-"));
  try {
    return await measureIn(folder, options, say);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureIn(folder: string, options: BenchOptions, say: Say): Promise<BenchResult> {
  const data = join(folder, "data");
  const certificates = await createPeerCertificates();
  const ledger = new Ledger();
  await createInstallation(data);
  await using load = await startLoad({ processes: options.loadProcesses, concurrency: options.concurrency });
  const underLoad = await measureUnderLoad({ folder, data, options, load, certificates, ledger, say });
  say("counting what the store holds after a kill");
  const rows = await reckon(data, options.serverFlags, ledger);
  const idle = await idleMemory({ data, options, load, certificates, device: underLoad.device, say });
  say("issuing certificates");
  const issuing = await issueCertificates(options.pkiRounds);
  const { rounds, halfLoad, mosquittoVersion } = underLoad;
  const correctness = { provisioned: ledger.thingNames.size, rows, faults: ledger.faults };
  return { machine: machine(options), mosquittoVersion, rounds, halfLoad, idle, issuing, correctness };
}

/** What devices were told, to be compared with what the store says. */
class Ledger {
  readonly thingNames = new Set<string>();
  readonly faults: string[] = [];

  readonly note = ({ succeeded, failures }: LoadOutcome): void => {
    for (const serialNumber of succeeded) this.thingNames.add(thingNameOf(serialNumber));
    this.faults.push(...failures);
  };
}

interface Place {
  readonly folder: string;
  readonly data: string;
  readonly options: BenchOptions;
  readonly load: Load;
  readonly certificates: PeerCertificates;
  readonly ledger: Ledger;
  readonly say: Say;
}

async function measureUnderLoad(place: Place) {
  const { data, options, load, ledger, say } = place;
  await using stack = new AsyncDisposableStack();
  const installation = await serveInstallation(data, options.serverFlags);
  stack.defer(() => installation.admin.close());
  const claim = await setUp(installation.admin);
  await load.aim({ target: installation.target, claim, issuingPem: issuingCertificate(data) });
  const mosquitto = await peerMosquitto(place);
  if (mosquitto !== undefined) stack.use(mosquitto);
  const floor = stack.use(await startFloor(options.serverFlags));
  const { serialNumber, credentials: device } = await load.identity();
  ledger.note({ succeeded: [serialNumber], failures: [], latenciesMs: [] });

  const measured = measuredParts(place, { installation, mosquitto, floor });
  const rounds = await measureRounds(measured, options, say);
  const halfLoad = await measureHalfLoad(measured, options, { rounds, say });
  // With --cpu-prof and the like the server must end by itself to write down what it saw.
  await (options.serverFlags.length > 0 ? installation.child[Symbol.asyncDispose]() : installation.child.kill());
  return { rounds, halfLoad, device, mosquittoVersion: mosquitto?.version };
}

async function peerMosquitto({ options, folder, certificates }: Place): Promise<Mosquitto | undefined> {
  const program = options.mosquitto ? findMosquitto() : undefined;
  return program === undefined ? undefined : startMosquitto(program, folder, certificates);
}

function startFloor(flags: readonly string[]): Promise<Child<FloorCalls>> {
  const program = new URL("./floor-process.ts", import.meta.url);
  return startChild<FloorCalls>({ program, flags: flags.filter((flag) => !flag.includes("prof")) });
}

function measuredParts(
  { load, certificates, ledger }: Place,
  parts: { installation: RunningInstallation; mosquitto: Mosquitto | undefined; floor: Child<FloorCalls> },
): Measured {
  const { installation, mosquitto, floor } = parts;
  const peer = mosquitto && {
    usage: () => mosquitto.usage(),
    target: { host: "127.0.0.1", port: mosquitto.port, caPem: certificates.rootPem },
    credentials: certificates.client,
  };
  return { load, server: installation.child, floor, mosquitto: peer, note: ledger.note };
}

async function measureRounds(measured: Measured, options: BenchOptions, say: Say): Promise<Round[]> {
  say(`warming up with ${options.warmUp} provisionings`);
  await measureRound(measured, { ...options, perRound: options.warmUp });
  const rounds: Round[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    say(`round ${round} of ${options.rounds}`);
    rounds.push(await measureRound(measured, options));
  }
  return rounds;
}

async function measureHalfLoad(
  { load, note }: Measured,
  options: BenchOptions,
  context: { readonly rounds: readonly Round[]; readonly say: Say },
): Promise<BenchResult["halfLoad"]> {
  if (options.halfLoadSeconds === 0) return undefined;
  context.say("half load");
  const perSecond = median(context.rounds.map((round) => round.perSecond)) / 2;
  await load.prepare(Math.ceil(perSecond * options.halfLoadSeconds));
  const outcome = await load.provisionPaced(1000 / perSecond);
  note(outcome);
  return { perSecond, latenciesMs: outcome.latenciesMs };
}

/** Opens the killed server's folder afresh: it must hold every device that was told it exists, and no other. */
async function reckon(data: string, flags: readonly string[], ledger: Ledger): Promise<number> {
  await using installation = await serveInstallation(
    data,
    flags.filter((flag) => !flag.includes("prof")),
  );
  const { names, faults } = await storedThings(installation.admin);
  if (ledger.faults.length > 0) faults.push(...(await recordedRefusals(installation.admin)));
  const lost = [...ledger.thingNames].filter((name) => !names.has(name));
  const unheard = [...names].filter((name) => !ledger.thingNames.has(name));
  ledger.faults.unshift(...faults);
  ledger.faults.push(
    ...lost.map((name) => `${name} was provisioned and is not in the store.`),
    ...unheard.map((name) => `${name} is in the store, but no device was told so.`),
  );
  return names.size;
}

async function idleMemory(
  place: Omit<Place, "folder" | "ledger"> & { readonly device: Credentials },
): Promise<BenchResult["idle"]> {
  const { data, options, load, certificates, device, say } = place;
  const connections = options.idleConnections;
  if (connections === 0) return undefined;
  const repeats: IdleMemory[] = [];
  for (let repeat = 1; repeat <= options.idleRepeats; repeat++) {
    say(`holding ${connections} idle connections, ${repeat} of ${options.idleRepeats}`);
    const flags = options.serverFlags.filter((flag) => !flag.includes("prof"));
    repeats.push(await measureIdleMemory(load, { folder: data, flags, connections, device, certificates }));
  }
  return { connections, repeats };
}

/** The CA's own benchmark; it is no part of what the package offers to others, so that it is fetched by its path. */
async function issueCertificates(rounds: number): Promise<IssueMeasurement[]> {
  const file = new URL("../../packages/pki/bench/issue.bench.ts", import.meta.url);
  const { measureIssuing } = (await import(file.href)) as IssueBench;
  return measureIssuing(rounds);
}

function machine(options: BenchOptions): BenchResult["machine"] {
  return {
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    node: process.versions.node,
    openssl: process.versions.openssl,
    flags: [...process.execArgv, ...options.serverFlags].filter((flag) => !flag.startsWith("--openssl-config=")),
  };
}

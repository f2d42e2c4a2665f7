// From rounds to the few figures that are worth comparing. A ratio is taken within each round and its median reported: what a
// neighbour does to one round it does to both sides.
import type { BenchResult } from "./run-bench.ts";
import { median, percentile } from "./statistics.ts";

export interface Ratio {
  readonly name: string;
  /** A share is read as per cent. */
  readonly kind: "share" | "times";
  readonly median: number;
  /** Of the best round. */
  readonly best: number;
  /** The ratio to reach; what is reached says `met`. */
  readonly goal: { readonly atLeast: number } | { readonly atMost: number } | undefined;
}

export interface Figure {
  readonly name: string;
  readonly unit: "µs" | "ms" | "1/s" | "kB";
  readonly median: number;
  /** The least; of rates the most. */
  readonly best: number;
}

export interface Summary {
  readonly ratios: readonly Ratio[];
  readonly figures: readonly Figure[];
}

const WHOLE_ISSUE = "whole: CSR PEM -> certificate PEM and id";
const ISSUE_FLOOR = "floor: import + verify + sign";

export function summarize(result: BenchResult): Summary {
  return { ratios: ratios(result), figures: figures(result) };
}

export function isMet({ median: value, goal }: Ratio): boolean | undefined {
  if (goal === undefined) return undefined;
  return "atLeast" in goal ? value >= goal.atLeast : value <= goal.atMost;
}

function ratios({ rounds, idle, issuing }: BenchResult): Ratio[] {
  const found = [
    share(
      "crypto floor, chain form ÷ server CPU",
      rounds.map(({ floor, provisioning }) => floor.chain / provisioning),
      { atLeast: 0.18 },
    ),
    share(
      "crypto floor, pinned form ÷ server CPU",
      rounds.map(({ floor, provisioning }) => floor.pinned / provisioning),
    ),
  ];
  const peer = rounds.flatMap(({ provisioning, mosquitto }) =>
    mosquitto === undefined ? [] : [provisioning / mosquitto],
  );
  if (peer.length > 0) found.push(atMost("provisioning ÷ 2 mosquitto connects", peer, 1));
  if (idle !== undefined) {
    const memory = idle.repeats.map(({ fleetmint, bareTls }) => fleetmint / bareTls);
    found.push(atMost("idle connection ÷ bare TLS, memory", memory, 1.3));
  }
  found.push(share("issuing: floor ÷ CSR to certificate", [cpu(issuing, ISSUE_FLOOR) / cpu(issuing, WHOLE_ISSUE)]));

  return found;
}

function figures({ rounds, halfLoad, idle, issuing }: BenchResult): Figure[] {
  const found = [
    least(
      "server CPU of a provisioning",
      "µs",
      rounds.map(({ provisioning }) => provisioning),
    ),
    least(
      "mosquitto CPU of 2 connects",
      "µs",
      rounds.flatMap(({ mosquitto }) => mosquitto ?? []),
    ),
    least(
      "crypto floor, chain form",
      "µs",
      rounds.map(({ floor }) => floor.chain),
    ),
    least(
      "crypto floor, pinned form",
      "µs",
      rounds.map(({ floor }) => floor.pinned),
    ),
    least(
      "  X25519 key and agreement",
      "µs",
      rounds.map(({ floor }) => floor.agreement),
    ),
    least(
      "  P-256 sign",
      "µs",
      rounds.map(({ floor }) => floor.sign),
    ),
    least(
      "  P-256 verify",
      "µs",
      rounds.map(({ floor }) => floor.verify),
    ),
    most(
      "provisionings per CPU second",
      rounds.map(({ provisioning }) => 1e6 / provisioning),
    ),
    most(
      "provisionings per second, load on the same machine",
      rounds.map(({ perSecond }) => perSecond),
    ),
  ];
  if (halfLoad !== undefined) {
    const { perSecond, latenciesMs } = halfLoad;
    for (const percent of [50, 99]) {
      const value = percentile(latenciesMs, percent);
      const name = `p${percent} of a provisioning at ${perSecond.toFixed(0)}/s, half load`;
      found.push({ name, unit: "ms", median: value, best: value });
    }
  }
  if (idle !== undefined) {
    const kilobytes = (name: string, values: number[]) =>
      least(
        name,
        "kB",
        values.map((bytes) => bytes / 1024),
      );
    found.push(
      kilobytes(
        "idle connection",
        idle.repeats.map(({ fleetmint }) => fleetmint),
      ),
    );
    found.push(
      kilobytes(
        "idle connection, bare TLS",
        idle.repeats.map(({ bareTls }) => bareTls),
      ),
    );
  }
  for (const { name, cpuMicroseconds } of issuing) found.push(least(name, "µs", [cpuMicroseconds]));
  return found.filter(({ median: value }) => !Number.isNaN(value));
}

function share(name: string, values: readonly number[], goal?: Ratio["goal"]): Ratio {
  return { name, kind: "share", median: median(values), best: Math.max(...values), goal };
}

function atMost(name: string, values: readonly number[], limit: number | undefined): Ratio {
  const goal = limit === undefined ? undefined : { atMost: limit };
  return { name, kind: "times", median: median(values), best: Math.min(...values), goal };
}

function least(name: string, unit: Figure["unit"], values: readonly number[]): Figure {
  return { name, unit, median: median(values), best: Math.min(...values) };
}

function most(name: string, values: readonly number[]): Figure {
  return { name, unit: "1/s", median: median(values), best: Math.max(...values) };
}

function cpu(issuing: BenchResult["issuing"], name: string): number {
  return issuing.find((measurement) => measurement.name === name)?.cpuMicroseconds ?? Number.NaN;
}

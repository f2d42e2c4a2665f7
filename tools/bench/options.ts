import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly rounds: number;
  /** Provisionings in each round. */
  readonly perRound: number;
  readonly warmUp: number;
  readonly loadProcesses: number;
  /** Provisionings under way at a time, in all. */
  readonly concurrency: number;
  readonly halfLoadSeconds: number;
  readonly idleConnections: number;
  readonly idleRepeats: number;
  readonly pkiRounds: number;
  /** Repetitions of each primitive in one measurement of the floor. */
  readonly floorRepetitions: number;
  readonly mosquitto: boolean;
  readonly serverFlags: readonly string[];
  readonly output: "text" | "json";
  /** Where the data folder is made; the system's temporary folder unless told. */
  readonly folder: string | undefined;
}

const FULL = {
  rounds: 7,
  perRound: 500,
  warmUp: 2000,
  halfLoadSeconds: 10,
  idleConnections: 1000,
  idleRepeats: 3,
  pkiRounds: 5,
  floorRepetitions: 300,
};

/** Every part once, with few repetitions: whether all is right, not how fast it is. */
const QUICK = {
  rounds: 2,
  perRound: 60,
  warmUp: 60,
  halfLoadSeconds: 2,
  idleConnections: 100,
  idleRepeats: 1,
  pkiRounds: 1,
  floorRepetitions: 50,
};

export const USAGE = `Usage: npm run bench [-- OPTION …]

Measures what one complete provisioning costs the server, beside what cannot be avoided and beside a peer, in one run:
  CPU of the server per provisioning: two mTLS connects, CSR, certificate, thing, all durable (synchronous=FULL)
  the crypto floor in the same Node, and the share of the CPU that it makes up
  mosquitto doing two bare mTLS connects, if it is installed
  p50 and p99 of a provisioning at half of the measured rate (open loop)
  memory of an idle connection, beside a bare TLS server
  CSR to certificate, beside its floor
What is compared runs in interleaved rounds; ratios are medians over rounds. Times depend on the machine and are never judged;
the exit code is 1 only where an answer was wrong or the store does not hold exactly what devices were told.

  --rounds N            interleaved rounds (${FULL.rounds})
  --per-round N         provisionings in a round (${FULL.perRound})
  --warm-up N           provisionings before the first round (${FULL.warmUp})
  --load-processes N    processes that play devices (2)
  --concurrency N       devices under way at a time, in all (16)
  --half-load-seconds N how long the load at half rate lasts (${FULL.halfLoadSeconds}); 0 leaves it out
  --connections N       idle connections held (${FULL.idleConnections}); 0 leaves it out
  --no-mosquitto        leave mosquitto out
  --data DIR            make the data folder there, to measure a certain disk; removed afterwards
  --server-flag FLAG    start the server's Node with one more flag, for example --cpu-prof; may be repeated
  --quick               a run of about 15 seconds that checks the answers; its figures are rough
  -o text|json          table or one JSON object
  -h, --help            this text
`;

/** A wrong command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export function readOptions(args: readonly string[]): BenchOptions | "help" {
  const values = parse(args);
  if (values.help === true) return "help";
  const base = values.quick === true ? QUICK : FULL;
  const output = values.output ?? "text";
  if (output !== "text" && output !== "json") throw new UsageError(`-o wants text or json, not "${output}".`);
  return {
    ...base,
    rounds: count("--rounds", values.rounds, base.rounds, 1),
    perRound: count("--per-round", values["per-round"], base.perRound, 1),
    warmUp: count("--warm-up", values["warm-up"], base.warmUp, 1),
    loadProcesses: count("--load-processes", values["load-processes"], 2, 1),
    concurrency: count("--concurrency", values.concurrency, 16, 1),
    halfLoadSeconds: count("--half-load-seconds", values["half-load-seconds"], base.halfLoadSeconds, 0),
    idleConnections: count("--connections", values.connections, base.idleConnections, 0),
    mosquitto: values["no-mosquitto"] !== true,
    serverFlags: values["server-flag"] ?? [],
    output,
    folder: values.data,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: "string" },
        "per-round": { type: "string" },
        "warm-up": { type: "string" },
        "load-processes": { type: "string" },
        concurrency: { type: "string" },
        "half-load-seconds": { type: "string" },
        connections: { type: "string" },
        "no-mosquitto": { type: "boolean" },
        "server-flag": { type: "string", multiple: true },
        data: { type: "string" },
        quick: { type: "boolean" },
        output: { type: "string", short: "o" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function count(name: string, text: string | undefined, fallback: number, least: number): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least) return value;
  throw new UsageError(`${name} wants a whole number from ${least} on, not "${text}".`);
}

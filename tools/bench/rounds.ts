// Rounds in which the three things that are compared take turns, so that a busy neighbour falls on all of them.

import { setTimeout as sleep } from "node:timers/promises";
import type { Credentials, Target } from "@fleetmint/testkit";
import type { Child } from "./child-process.ts";
import type { CryptoFloor } from "./crypto-floor.ts";
import type { FloorCalls } from "./floor-process.ts";
import type { Load } from "./load.ts";
import type { LoadOutcome } from "./load-process.ts";
import type { Usage } from "./process-usage.ts";

export interface Round {
  /** Server CPU microseconds for one provisioning. */
  readonly provisioning: number;
  /** Provisionings a second by the clock on the wall, with the load on the same machine. */
  readonly perSecond: number;
  readonly floor: CryptoFloor;
  /** CPU microseconds of mosquitto for two bare connects. */
  readonly mosquitto: number | undefined;
}

export interface Measured {
  readonly load: Load;
  readonly server: { usage(): Promise<Usage> };
  readonly floor: Child<FloorCalls>;
  readonly mosquitto:
    | { usage(): Promise<Usage>; readonly target: Target; readonly credentials: Credentials }
    | undefined;
  /** Every outcome, for the reckoning at the end. */
  readonly note: (outcome: LoadOutcome) => void;
}

export interface RoundSettings {
  readonly perRound: number;
  readonly floorRepetitions: number;
}

/** The servers' last sockets close a moment after the clients'. */
const SETTLE_MS = 50;

export async function measureRound(measured: Measured, settings: RoundSettings): Promise<Round> {
  const floor = await measured.floor.call("measure", settings.floorRepetitions);
  const provisioning = await provisioningRound(measured, settings.perRound);
  return { floor, ...provisioning, mosquitto: await mosquittoRound(measured, settings.perRound) };
}

async function provisioningRound(
  measured: Measured,
  count: number,
): Promise<Pick<Round, "provisioning" | "perSecond">> {
  const { load, server, note } = measured;
  await load.prepare(count);
  const startMs = performance.now();
  let wallMs = 0;
  const cpu = await cpuOf(server, async () => {
    const outcome = await load.provision();
    wallMs = performance.now() - startMs;
    note(outcome);
  });
  return { provisioning: cpu / count, perSecond: (count * 1000) / wallMs };
}

async function mosquittoRound({ load, mosquitto }: Measured, provisionings: number): Promise<number | undefined> {
  if (mosquitto === undefined) return undefined;
  const { target, credentials } = mosquitto;
  const cpu = await cpuOf(mosquitto, () => load.connect(target, credentials, 2 * provisionings));
  return cpu / provisionings;
}

async function cpuOf(server: { usage(): Promise<Usage> }, run: () => Promise<void>): Promise<number> {
  const before = await server.usage();
  await run();
  await sleep(SETTLE_MS);
  return (await server.usage()).cpuMicroseconds - before.cpuMicroseconds;
}

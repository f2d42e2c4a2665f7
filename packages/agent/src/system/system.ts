import { hostname } from "node:os";
import { type Clock, systemClock } from "./clock.ts";
import { type Random, systemRandom } from "./random.ts";

/** What the agent takes from the machine it runs on. */
export interface System {
  readonly clock: Clock;
  readonly random: Random;
  hostname(): string;
}

export const realSystem: System = { clock: systemClock, random: systemRandom, hostname };

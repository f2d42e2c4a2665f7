import type { Clock } from "../kit/clock.ts";
import type { Fault } from "../kit/fault.ts";
import { type AttemptLog, asFault } from "./attempt-log.ts";

/** A refusal together with the step that made it, so that the attempt can tell its story. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly step: string;
  readonly fault: Fault;

  constructor(step: string, fault: Fault) {
    super(fault.message, { cause: fault });
    this.step = step;
    this.fault = fault;
  }
}

/** Runs one step of an attempt: notes its verdict, and names itself when it refuses. */
export async function takeStep<Result>(
  attempt: AttemptLog,
  clock: Clock,
  step: {
    readonly name: string;
    readonly run: () => Result | Promise<Result>;
    readonly say: (result: Result) => string;
  },
): Promise<Result> {
  let result: Result;
  try {
    result = await step.run();
  } catch (error) {
    throw new Refusal(step.name, asFault(error));
  }
  attempt.ok(step.name, step.say(result), clock.now());
  return result;
}

// One crash, from a fresh data folder to the verdict: a device is provisioned while something happens to its server; the server
// is started again; the device finishes; what is stored is judged at every stop.
import { readFileSync, rmSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { startServer } from "@fleetmint/server";
import { Rejected, type Target } from "../simulated-device.ts";
import { brokenInvariants, brokenPromises } from "./aftermath.ts";
import { DoomedServer, type DoomedServerOptions, type ServerEnd } from "./doomed-server.ts";
import { PersistentDevice } from "./persistent-device.ts";
import type { PreparedFolder } from "./prepared-folder.ts";

export interface Course extends Omit<DoomedServerOptions, "folder"> {
  /** The server is expected to die of this: nobody asks it to end before it is gone. */
  readonly kills?: boolean;
  /** It is killed when the device has had this answer. */
  readonly killAfter?: "certificate" | "thing";
}

export interface Verdict {
  /** How the server ended. */
  readonly end: ServerEnd;
  readonly passed: DoomedServer["passed"];
  /** The reasons with which the server refused the device, in order. */
  readonly refusals: readonly string[];
  /** What must never be, a sentence each. */
  readonly violations: readonly string[];
  readonly stderr: string;
}

/** A server that refuses for good is restarted by its operator; a device tries this often until then. */
const TRIES = 3;

export async function runCourse(prepared: PreparedFolder, course: Course): Promise<Verdict> {
  const folder = prepared.copy();
  const device = new PersistentDevice({ claim: prepared.claim, serialNumber: "crashed" });
  await using server = await DoomedServer.start({ ...course, folder });
  const refusals = await tryOn(server, device, course);
  const end = await server.stop();
  const { acknowledged } = device;
  const judge = (): string[] => [
    ...brokenInvariants(folder),
    ...brokenPromises(folder, prepared.claim.claimId, acknowledged),
  ];
  // Before anything is tried again: a retry would put back what was answered and lost.
  const violations = judge().map((sentence) => `${sentence} (before the restart)`);
  violations.push(...(await finish(folder, device)), ...judge());
  if (acknowledged.thing === undefined) violations.push("I6: the device never got its thing");
  rmSync(folder, { recursive: true });
  return { end, passed: server.passed, refusals, violations, stderr: server.stderr };
}

/** The device's tries while the server lives; returns why it was refused. */
async function tryOn(server: DoomedServer, device: PersistentDevice, course: Course): Promise<string[]> {
  const refusals: string[] = [];
  server.onPaused = () => {
    // The device loses patience while the server stands still, so that its next try meets the first one's work.
    device.cutOff();
    server.resume();
  };
  if (course.killAfter !== undefined) device.onAnswer = (answer) => killAfter(server, course, answer);
  for (let tries = 0; tries < TRIES && server.target !== undefined && !server.hasEnded; tries++) {
    try {
      await device.attempt(server.target);
      break;
    } catch (error) {
      if (error instanceof Rejected) refusals.push(error.reason ?? error.message);
      else if (course.kills === true) await server.ended;
    }
  }
  return refusals;
}

function killAfter(server: DoomedServer, course: Course, answer: "certificate" | "thing"): void {
  if (course.killAfter === answer) void server.stop("SIGKILL");
}

/** The server comes back and the device ends what it began. Returns what it found wrong. */
async function finish(folder: string, device: PersistentDevice): Promise<string[]> {
  const server = await startServer({ folder, settings: { mqttPort: 0, httpPort: 0 } });
  try {
    return await finishOn(
      { host: "localhost", port: server.mqttPort, caPem: readFileSync(server.caFile, "utf8") },
      device,
    );
  } finally {
    await server.close();
  }
}

async function finishOn(target: Target, device: PersistentDevice): Promise<string[]> {
  const before = device.acknowledged.thing;
  try {
    const answer = await device.attempt(target);
    await device.connectAsItself(target);
    const first = before ?? (await device.attempt(target));
    return isDeepStrictEqual(answer, first) ? [] : [`I6: a retry was answered ${JSON.stringify(answer)}`];
  } catch (error) {
    return [`I6: the device could not finish: ${String(error)}`];
  }
}

// Every system call by which the server's files change, from its start through one provisioning to its end: killed there, told
// that the disk is full, told that the disk is broken.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runCourse } from "../../src/crash/crash-course.ts";
import { inParallel } from "../../src/crash/in-parallel.ts";
import { PreparedFolder } from "../../src/crash/prepared-folder.ts";
import {
  describeInjection,
  type Injection,
  injecting,
  logging,
  readCalls,
  type SystemCall,
  whyNoStrace,
} from "../../src/crash/strace.ts";

/** By these SQLite and our own durable files are written, made longer or shorter, put in place and removed. */
const KILLED = ["fsync", "fdatasync", "pwrite64", "ftruncate", "rename", "renameat", "unlink"] as const;
const FAILED = ["fsync", "fdatasync", "pwrite64"] as const;
/** What a device may hear from a server whose disk fails. */
const EXPECTED_REFUSALS = ["store_unavailable"];

// On each test, because a skipped suite is not counted among the skips.
const skip = whyNoStrace();

describe("a provisioning during which a system call ends the server or fails", () => {
  let prepared: PreparedFolder;
  let logs: string;
  let calls: readonly SystemCall[];

  before(async () => {
    if (skip !== false) return;
    prepared = await PreparedFolder.make({ hook: false });
    logs = mkdtempSync(join(tmpdir(), "fleetmint-strace-"));
    // The first run compiles the modules, which writes files of its own.
    await runCourse(prepared, {});
    const log = join(logs, "undisturbed");
    const undisturbed = await runCourse(prepared, { strace: logging(KILLED, log) });
    assert.deepEqual(undisturbed.violations, []);
    calls = readCalls(readFileSync(log, "utf8")).filter(({ args }) => !args.includes("compiled"));
  });
  after(() => {
    prepared?.[Symbol.dispose]();
    if (logs !== undefined) rmSync(logs, { recursive: true });
  });

  for (const effect of ["signal=KILL", "error=ENOSPC", "error=EIO"] as const) {
    test(`${effect}: no invariant breaks, and the device ends with the one identity it was promised`, {
      skip,
    }, async (t) => {
      const points = (effect === "signal=KILL" ? KILLED : FAILED).flatMap((call) =>
        Array.from({ length: occurrences(call) }, (_, i): Injection => ({ call, occurrence: i + 1, effect })),
      );
      const began = performance.now();
      let reached = 0;
      await inParallel(points, async (point) => {
        if (await happened(point)) reached += 1;
      });
      const ms = Math.round(performance.now() - began);
      t.diagnostic(`${reached} of ${points.length} points reached in ${ms} ms, no violation`);
      // Background work comes a moment earlier or later; all but a few calls are there in every run.
      assert.ok(reached >= points.length * 0.9, `only ${reached} of ${points.length} points were reached`);
      assert.ok(reached >= 50, `only ${reached} points`);
    });
  }

  function occurrences(name: string): number {
    return calls.filter((call) => call.name === name).length;
  }

  /** Judges one point; says whether it was reached. */
  async function happened(point: Injection): Promise<boolean> {
    const log = join(logs, `${point.call}-${point.occurrence}-${point.effect}`);
    const kills = point.effect === "signal=KILL";
    const { violations, refusals, end } = await runCourse(prepared, { strace: injecting(point, log), kills });
    const at = describeInjection(point);
    assert.deepEqual({ at, violations }, { at, violations: [] });
    for (const reason of refusals) assert.ok(EXPECTED_REFUSALS.includes(reason), `${at}: refused with ${reason}`);
    if (kills) return end.signal === "SIGKILL";
    assert.ok(end.signal === null, `${at}: ended by ${end.signal}`);
    return readFileSync(log, "utf8").includes("(INJECTED)");
  }
});

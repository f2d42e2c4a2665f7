// Every named point of the pipeline × {kill, throw, delay}, at each of its passings, during one provisioning by claim.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FAULT_POINTS, type FaultPoint } from "@fleetmint/server";
import { runCourse, type Verdict } from "../../src/crash/crash-course.ts";
import { describePlan, FAULT_ACTIONS, type FaultPlan } from "../../src/crash/fault-plan.ts";
import { inParallel } from "../../src/crash/in-parallel.ts";
import { PreparedFolder } from "../../src/crash/prepared-folder.ts";

/** Of one provisioning: the intent, the certificate, the redemption. */
const COMMITS = 3;

describe("a provisioning that something happens to at a named point", () => {
  let prepared: PreparedFolder;
  let passed: Verdict["passed"];

  before(async () => {
    // With a hook, so that its point is on the way too.
    prepared = await PreparedFolder.make({ hook: true });
    const undisturbed = await runCourse(prepared, {});
    assert.deepEqual(undisturbed.violations, []);
    passed = undisturbed.passed;
  });
  after(() => prepared[Symbol.dispose]());

  test("every name that is listed is passed on the way", () => {
    assert.deepEqual(
      FAULT_POINTS.filter((point) => (passed[point] ?? 0) === 0),
      [],
    );
  });

  for (const action of FAULT_ACTIONS) {
    test(`${action}: no invariant breaks, and the device ends with the one identity it was promised`, async (t) => {
      const plans = FAULT_POINTS.flatMap((point) => passings(point).map((passing) => ({ point, action, passing })));
      const reached: FaultPoint[] = [];
      const began = performance.now();
      await inParallel(plans, async (plan) => {
        if (judge(plan, await runCourse(prepared, { plan, kills: action === "kill" }))) reached.push(plan.point);
      });
      t.diagnostic(`${reached.length} points in ${Math.round(performance.now() - began)} ms, no violation`);
      for (const point of FAULT_POINTS) {
        const times = reached.filter((name) => name === point).length;
        assert.ok(times >= (isOfEveryCommit(point) ? COMMITS : 1), `${action} happened ${times} times at ${point}`);
      }
    });
  }

  test("what was answered is kept when the server dies the next instant", async () => {
    for (const killAfter of ["certificate", "thing"] as const) {
      const { end, violations } = await runCourse(prepared, { killAfter, kills: true });
      assert.deepEqual({ killAfter, violations }, { killAfter, violations: [] });
      assert.equal(end.signal, "SIGKILL");
    }
  });

  function passings(point: FaultPoint): number[] {
    return Array.from({ length: passed[point] ?? 0 }, (_, i) => i + 1);
  }
});

/** Whether the point was reached. A commit in the background may have come a moment later or not at all. */
function judge(plan: FaultPlan, verdict: Verdict): boolean {
  const at = describePlan(plan);
  const { violations, refusals, end } = verdict;
  assert.deepEqual({ at, violations }, { at, violations: [] });
  if (plan.action === "kill") return end.signal === "SIGKILL";
  if (plan.action === "throw") {
    // A thrown error is nobody's business outside: the device hears that it may try again, and nothing more.
    const heard = isOfEveryCommit(plan.point) ? refusals.map(() => "internal_error") : ["internal_error"];
    assert.deepEqual({ at, refusals }, { at, refusals: heard });
  }
  return (verdict.passed[plan.point] ?? 0) >= plan.passing || end.code === 1;
}

/** Background work commits too, and nobody waits for it who could be refused. */
function isOfEveryCommit(point: FaultPoint): boolean {
  return point.startsWith("store-");
}

// One crash of each kind, and a server that is broken on purpose: the enumerations of the deep tests rest on these verdicts.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runCourse } from "../../src/crash/crash-course.ts";
import { PreparedFolder } from "../../src/crash/prepared-folder.ts";

describe("a crash during a provisioning", () => {
  let prepared: PreparedFolder;

  before(async () => {
    prepared = await PreparedFolder.make({ hook: false });
  });
  after(() => prepared[Symbol.dispose]());

  test("between the commit of a redemption and its answer loses nothing", async () => {
    const plan = { point: "redeem-committed", action: "kill", passing: 1 } as const;
    const { end, violations } = await runCourse(prepared, { plan, kills: true });
    assert.deepEqual({ signal: end.signal, violations }, { signal: "SIGKILL", violations: [] });
  });

  test("that is an error inside of a transaction is a refusal, and the next try succeeds", async () => {
    const plan = { point: "redeem-written", action: "throw", passing: 1 } as const;
    const { end, refusals, violations } = await runCourse(prepared, { plan });
    assert.deepEqual(
      { end, refusals, violations },
      { end: { code: 0, signal: null }, refusals: ["internal_error"], violations: [] },
    );
  });

  test("that takes too long for the device meets its second try", async () => {
    const plan = { point: "certificate-signed", action: "delay", passing: 1 } as const;
    const { passed, violations } = await runCourse(prepared, { plan });
    assert.deepEqual(violations, []);
    assert.equal(passed["certificate-signed"], 2);
  });

  test("is noticed where a server answers before it commits", async () => {
    const preload = new URL("./without-commit.ts", import.meta.url).href;
    const { violations } = await runCourse(prepared, { preload, kills: true, killAfter: "thing" });
    assert.match(violations.join("\n"), /^I6: in use are \[\], the device relies on .* \(before the restart\)$/m);
  });
});

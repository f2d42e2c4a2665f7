import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededChoice, tamper, testExport } from "./tampering.ts";
import { auditKeys } from "./testing.ts";
import { verifyExport } from "./verify.ts";

const EVERY = 5;

describe("verifying an export of the audit log", () => {
  it("finds nothing wrong with one that nobody touched", async () => {
    const { lines, kept } = await testExport(100, EVERY);
    const expected = { ok: true, origin: "log.example", entries: 100, checkpoints: 21, vouched: 100 };
    assert.deepEqual(await verifyExport(lines, kept), expected);
    assert.deepEqual(await verifyExport(lines), expected);
  });

  it("detects every one of 1,000 random tamperings and names an entry at or just before the first wrong one", async () => {
    const original = await testExport(100, EVERY);
    const choose = seededChoice(1);
    for (let i = 0; i < 1000; i++) {
      const tampered = tamper(original, choose);
      const result = await verifyExport(tampered.lines, original.kept);
      if (result.ok) assert.fail(`not detected: ${tampered.how}`);
      assert.ok(result.firstBadIndex <= tampered.index, `${tampered.how}: ${result.firstBadIndex}, ${result.problem}`);
      assert.ok(
        result.firstBadIndex > tampered.index - EVERY,
        `${tampered.how}: ${result.firstBadIndex}, ${result.problem}`,
      );
      assert.match(result.problem, /\.$/);
    }
  });

  it("refuses another key, another log's checkpoint and a checkpoint nobody signed", async () => {
    const { lines, kept } = await testExport(10, EVERY);
    const other = await testExport(10, EVERY);
    const refusedWith = async (check: Promise<Awaited<ReturnType<typeof verifyExport>>>, problem: RegExp) => {
      const result = await check;
      assert.match(result.ok ? "verified" : result.problem, problem);
    };
    await refusedWith(verifyExport(lines, { publicKey: auditKeys().publicKey }), /another audit key/);
    await refusedWith(
      verifyExport(lines, { checkpoint: other.kept.checkpoint }),
      /not by the installation's audit key/,
    );
    const forged = lines.map((line) =>
      line.replace('"type":"checkpoint","note":"log', '"type":"checkpoint","note":"lag'),
    );
    await refusedWith(verifyExport(forged, kept), /not by the installation's audit key/);
  });

  it("says in a sentence what it cannot read", async () => {
    const { lines } = await testExport(3, EVERY);
    const hostile = [
      [],
      ["x"],
      ["[]"],
      ["{}"],
      ["null"],
      [lines[0] ?? "", '{"type":"entry"}'],
      [lines[0] ?? "", '{"type":"other"}'],
    ];
    for (const export_ of hostile) {
      const result = await verifyExport(export_);
      assert.equal(result.ok, false);
      assert.match(result.ok ? "" : result.problem, /^The export .*\.$|^Entry 0 .*\.$/);
    }
  });
});

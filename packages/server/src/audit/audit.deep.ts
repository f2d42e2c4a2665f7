// node --test: 10,000 random tamperings of an audit log, each of which must be found (security.md, T17).
import assert from "node:assert/strict";
import { it } from "node:test";
import { seededChoice, tamper, testExport } from "./tampering.ts";
import { verifyExport } from "./verify.ts";

const EVERY = 7;

it("detects every one of 10,000 random tamperings", async () => {
  const original = await testExport(150, EVERY);
  const choose = seededChoice(20260101);
  for (let i = 0; i < 10_000; i++) {
    const tampered = tamper(original, choose);
    const result = await verifyExport(tampered.lines, original.kept);
    if (result.ok) assert.fail(`not detected: ${tampered.how}`);
    assert.ok(result.firstBadIndex <= tampered.index && result.firstBadIndex > tampered.index - EVERY, tampered.how);
  }
});

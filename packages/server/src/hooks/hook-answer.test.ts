import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "../kit/fault.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import { boundedReason, parseAnswer, parseAnswerText } from "./hook-answer.ts";

function throws(answer: unknown, code: FaultCode, pattern: RegExp): void {
  assert.throws(
    () => parseAnswer(answer),
    (error) => error instanceof Fault && error.code === code && pattern.test(error.message),
    JSON.stringify(answer)?.slice(0, 100),
  );
}

describe("hook answer", () => {
  it("allows with or without overrides, and leaves unknown fields alone", () => {
    assert.deepEqual(parseAnswer({ allowProvisioning: true }), { parameterOverrides: {} });
    assert.deepEqual(parseAnswer({ allowProvisioning: true, parameterOverrides: null, more: 1 }), {
      parameterOverrides: {},
    });
    const full = { ["k".repeat(2048)]: "v".repeat(4096), empty: "" };
    assert.deepEqual(parseAnswer({ allowProvisioning: true, parameterOverrides: full }), { parameterOverrides: full });
  });

  it("takes nothing but true for a yes", () => {
    for (const value of ["true", 1, null, [], {}, "yes"])
      throws({ allowProvisioning: value }, "hook_answer_invalid", /must be true or false/);
    for (const value of [undefined, null, 1, "x", [], true]) throws(value, "hook_answer_invalid", /object is expected/);
    throws({ AllowProvisioning: true }, "hook_answer_invalid", /has no allowProvisioning/);
    throws({ allowProvisioning: false, parameterOverrides: 5 }, "hook_denied", /refused/);
  });

  it("names the override that is not one", () => {
    const overrides: readonly (readonly [unknown, RegExp])[] = [
      [[], /a list as parameterOverrides/],
      ["x", /a text as parameterOverrides/],
      [{ a: 1 }, /a number as parameterOverride "a"/],
      [{ a: null }, /null as parameterOverride "a"/],
      [{ a: ["b"] }, /a list as parameterOverride "a"/],
      [{ "": "x" }, /without a name/],
      [{ constructor: "x" }, /forbidden name "constructor"/],
      [{ ["k".repeat(2049)]: "x" }, /name is longer than 2048/],
      [{ a: "v".repeat(4097) }, /"a" longer than 4096/],
      [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, "v"])), /more than 64/],
    ];
    for (const [parameterOverrides, pattern] of overrides) {
      throws({ allowProvisioning: true, parameterOverrides }, "hook_answer_invalid", pattern);
    }
  });

  it("reads bytes only as JSON in UTF-8, however deep", () => {
    const text = (json: string) => Buffer.from(json);
    assert.deepEqual(parseAnswerText(text('{"allowProvisioning":true}')), { parameterOverrides: {} });
    for (const bytes of [text(""), text("{"), text("['a']"), Buffer.from([0xff])]) {
      assert.throws(() => parseAnswerText(bytes), /not JSON in UTF-8/);
    }
    assert.throws(() => parseAnswerText(text("[".repeat(30_000) + "]".repeat(30_000))), Fault);
    const deep = `{"allowProvisioning":true,"parameterOverrides":{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}}`;
    assert.throws(() => parseAnswerText(text(deep)), /a list as parameterOverride "a"/);
    assert.throws(
      () => parseAnswerText(text('{"allowProvisioning":true,"parameterOverrides":{"__proto__":"x"}}')),
      /forbidden/,
    );
    assert.equal(({} as { x?: unknown }).x, undefined);
  });
});

describe("a hook's own words", () => {
  it("are one line of at most 300 characters without control characters or secrets", () => {
    assert.equal(boundedReason("a\nb\u001b[2J\u0000 c\u2028d"), "a b [2J c d");
    assert.equal(boundedReason("x".repeat(301)), `${"x".repeat(299)}…`);
    assert.equal(boundedReason("x".repeat(300)), "x".repeat(300));
    assert.equal(boundedReason(`${"x".repeat(298)}😀😀`).isWellFormed(), true);
    assert.equal(boundedReason("-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----"), "[removed]");
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError, explainError } from "./errors.ts";

test("an error is three lines, whatever its parts hold", () => {
  const text = explainError(new CommandError("a\nerror: forged", "b\u001b[2J", "c\r\nd"), "unused");
  assert.equal(text, "error: a error: forged\n  where: b [2J\n  fix:   c d\n");
});

test("a thing that is not there leads to the list of those that are", () => {
  const fault = Object.assign(new Error("There is no thing."), { code: "not_found", remedy: "?" });
  assert.match(explainError(fault, "fleetmint thing show x"), /`fleetmint thing list` shows what there is/);
});

test("a system error is no refusal, although it has a code", () => {
  const error = Object.assign(new Error("disk"), { code: "EIO" });
  assert.match(explainError(error, "fleetmint serve"), /bug of ours/);
});

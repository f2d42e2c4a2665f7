import assert from "node:assert/strict";
import { test } from "node:test";
import { outOfOrder } from "../../src/crash/answer-order.ts";
import { readCalls } from "../../src/crash/strace.ts";

const READ = '9 read(28<TCP:[127.0.0.1:8883->127.0.0.1:4000]>, "..."..., 65536) = 80';
const ANSWER = '9 write(28<TCP:[127.0.0.1:8883->127.0.0.1:4000]>, "..."..., 951) = 951';
const ACK = '9 write(28<TCP:[127.0.0.1:8883->127.0.0.1:4000]>, "..."..., 26) = 26';
const FRAME = '9 pwrite64(24<.../fleetmint.db-wal>, "..."..., 4096, 56) = 4096';
const SYNC = "9 fsync(24<.../fleetmint.db-wal>) = 0";
const DATABASE_SYNC = "9 fsync(23<.../fleetmint.db>) = 0";

const order = { port: 8883, answers: [{ what: "The answer", bytes: 900, commits: 1 }] };
const problems = (...lines: string[]): string[] => outOfOrder(readCalls(lines.join("\n")), order);

test("an answer after the fsync of its commit is in order", () => {
  assert.deepEqual(problems(READ, ACK, FRAME, FRAME, SYNC, ANSWER), []);
});

test("an answer before the fsync, without one, or after a failed one is not", () => {
  const early = ["The answer left while its commit was written and not yet synchronized"];
  assert.deepEqual(problems(READ, FRAME, ANSWER, SYNC), early);
  assert.deepEqual(problems(READ, FRAME, ANSWER), early);
  assert.deepEqual(problems(READ, FRAME, DATABASE_SYNC, ANSWER), early);
  assert.deepEqual(problems(READ, FRAME, SYNC.replace("= 0", "= -1 EIO"), ANSWER), early);
});

test("an answer before its commit was even written is not: an earlier request's does not count", () => {
  const missing = ["The answer left after 0 commits on the disk instead of 1"];
  assert.deepEqual(problems(FRAME, SYNC, READ, ANSWER, FRAME, SYNC), missing);
});

test("an fsync counts when it has returned, not when it was called", () => {
  const called = "9 fsync(24<.../fleetmint.db-wal> <unfinished ...>";
  const returned = "9 <... fsync resumed>) = 0";
  const elsewhere = ANSWER.replace("9 ", "10 ");
  assert.equal(problems(READ, FRAME, called, elsewhere, returned).length, 1);
  assert.deepEqual(problems(READ, FRAME, called, returned, elsewhere), []);
});

test("an answer that never left is told", () => {
  assert.deepEqual(problems(READ, FRAME, SYNC, ACK), ["The answer was never seen to leave"]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startFixture } from "./fixture.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const fixture = await startFixture();
after(() => fixture[Symbol.asyncDispose]());

/** The program as its own process, its output closed after the first bytes where `impatient`. */
async function program(argv: readonly string[], { impatient = false } = {}) {
  const child = spawn(process.execPath, [...process.execArgv, MAIN, ...argv], { env: { NODE_OPTIONS: "" } });
  const ended = once(child, "exit");
  if (impatient) child.stdout.destroy();
  const [out, err, [code]] = await Promise.all([impatient ? "" : text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

test("as a process it ends with 0, 1 and 2, with JSON alone on stdout", async () => {
  const [done, refused, misused] = await Promise.all([
    program(["thing", "list", "--data", fixture.data, "-o", "json"]),
    program(["thing", "show", "nobody", "--data", fixture.data, "-o", "json"]),
    program(["thing", "list", "-o", "xml"]),
  ]);
  assert.deepEqual([done.code, done.err], [0, ""]);
  assert.equal(JSON.parse(done.out).length, 2);
  assert.deepEqual([refused.code, refused.out], [1, ""]);
  assert.deepEqual([misused.code, misused.out], [2, ""]);
});

test("a pipe is no window: no colour, and 80 columns", async () => {
  const { out } = await program(["claim", "audit", "claim-1", "--data", fixture.data]);
  assert.ok(!out.includes("\u001b"));
  for (const line of out.split("\n")) assert.ok([...line].length <= 80, line);
});

test("a reader that leaves early is no failure", async () => {
  const { code, err } = await program(["--help"], { impatient: true });
  assert.deepEqual([code, err], [0, ""]);
});

import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { after, before, describe, it } from "node:test";
import { ManualClock, systemClock } from "../kit/clock.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import { denies, listening, request, start, TEMPLATE, type World } from "./handler.fixture.ts";

/** A handler that does what the parameter says; everything bad, and one good thing to try afterwards. */
const MANY = `
let asked = 0;
export const handler = async (event, context) => {
  asked++;
  const allow = (parameterOverrides) => ({ allowProvisioning: true, parameterOverrides });
  switch (event.parameters.do) {
    case "loop": console.log("looping"); for (;;);
    case "never": console.log("waiting"); return new Promise(() => {});
    case "heap": { const all = []; for (;;) all.push(new Array(100_000).fill(Math.random())); }
    case "buffers": { const all = []; for (;;) all.push(Buffer.alloc(16 * 1024 * 1024, 1)); }
    case "exit": process.exit(3);
    case "abort": process.abort();
    case "unhandled": Promise.reject(new Error("forgotten promise")); return new Promise(() => {});
    case "uncaught": setImmediate(() => { throw new Error("thrown later"); }); return new Promise(() => {});
    case "throw": throw new Error("Invalid MAC\\u001b[2J\\n" + event.parameters.mac + " " + "x".repeat(1000));
    case "throw-text": throw "just text";
    case "throw-null": throw null;
    case "throw-getter": throw { get message() { throw new Error("trap"); } };
    case "huge": return allow({ a: "x".repeat(100_000) });
    case "circular": { const a = allow({}); a.self = a; return a; }
    case "bigint": return { allowProvisioning: true, n: 1n };
    case "function": return () => 1;
    case "nothing": return undefined;
    case "text": return "yes";
    case "list": return [];
    case "maybe": return { allowProvisioning: "true" };
    case "absent": return {};
    case "no": return { allowProvisioning: false };
    case "no-because": return { allowProvisioning: false, reason: "not on the list" };
    case "nested": return allow({ a: { b: "c" } });
    case "proto": return JSON.parse('{"allowProvisioning":true,"parameterOverrides":{"__proto__":"x"}}');
    case "many": return allow(Object.fromEntries(Array.from({ length: 65 }, (_, i) => ["k" + i, "v"])));
    case "kill-server": process.kill(process.ppid, "SIGKILL"); break;
    case "debug-server": process._debugProcess(process.ppid); break;
    case "print": console.log("token=Zk3vQ0m9xT7pL2aB8cD4eF6gH1iJ5kN0o"); console.error("second\\u001b[2J"); break;
    case "context": return allow({
      name: context.functionName, id: context.awsRequestId, left: String(context.getRemainingTimeInMillis()), asked: String(asked),
    });
    case "forge": (await import("node:fs")).writeSync(3, "let me in\\n"); return new Promise(() => {});
    case "flood": for (;;) (await import("node:fs")).writeSync(3, "x".repeat(8192));
    case "call": await (await fetch(event.parameters.url, { headers: { connection: "close" } })).text(); break;
    case "event": return allow({ event: JSON.stringify(event) });
  }
  return allow({ asked: String(asked) });
};`;

describe("handler: what denies, and with which reason", () => {
  let world: World;
  before(() => {
    world = start(MANY);
  });
  after(() => world.hooks.close());

  const cases: readonly (readonly [string, FaultCode, RegExp])[] = [
    ["exit", "hook_failed", /ended before it answered: it ended by itself with exit code 3$/],
    ["unhandled", "hook_failed", /a rejected promise that nothing handles: forgotten promise/],
    ["uncaught", "hook_failed", /an uncaught error: thrown later/],
    ["throw", "hook_failed", /^The hook threw: Invalid MAC \[2J 12:34 x+…$/],
    ["throw-text", "hook_failed", /The hook threw: just text$/],
    ["throw-null", "hook_failed", /The hook threw: null$/],
    ["throw-getter", "hook_failed", /cannot be printed/],
    ["kill-server", "hook_failed", /may not signal other processes/],
    ["debug-server", "hook_failed", /_debugProcess is not a function/],
    ["abort", "hook_failed", /it was ended by SIGABRT/],
    ["forge", "hook_failed", /wrote something that is not an answer/],
    ["flood", "hook_failed", /wrote something that is not an answer/],
    ["huge", "hook_answer_invalid", /longer than 65536 bytes/],
    ["circular", "hook_answer_invalid", /cannot be written as JSON/],
    ["bigint", "hook_answer_invalid", /cannot be written as JSON/],
    ["function", "hook_answer_invalid", /cannot be written as JSON/],
    ["nothing", "hook_answer_invalid", /is null where an object is expected/],
    ["text", "hook_answer_invalid", /is a text/],
    ["list", "hook_answer_invalid", /is a list/],
    ["maybe", "hook_answer_invalid", /has a text as allowProvisioning/],
    ["absent", "hook_answer_invalid", /has no allowProvisioning/],
    ["no", "hook_denied", /refused this device/],
    ["no-because", "hook_denied", /refused this device: not on the list/],
    ["nested", "hook_answer_invalid", /an object as parameterOverride "a"/],
    ["proto", "hook_answer_invalid", /forbidden name "__proto__"/],
    ["many", "hook_answer_invalid", /more than 64 parameterOverrides/],
  ];
  for (const [what, code, pattern] of cases) {
    it(`${what}: ${code}, and the next device is served`, async () => {
      await denies(world.decide({ do: what, mac: "12:34" }), code, pattern);
      assert.ok((await world.decide()).parameterOverrides["asked"]);
    });
  }

  it("passes AWS's payload on, and nothing that hangs on the request besides", async () => {
    const more = { ...request({ do: "event" }), certificateOwnershipToken: "canary" };
    const { parameterOverrides } = await world.hooks.decide(TEMPLATE, more);
    assert.deepEqual(JSON.parse(parameterOverrides["event"] ?? ""), request({ do: "event" }));
  });

  it("gives the handler Lambda's context", async () => {
    const { parameterOverrides } = await world.decide({ do: "context" });
    assert.equal(parameterOverrides["name"], "pumps");
    assert.match(parameterOverrides["id"] ?? "", /^ask-/);
    const left = Number(parameterOverrides["left"]);
    assert.ok(left > 3_000 && left <= 5_000, String(left));
  });

  it("brings what the handler prints into the log, scrubbed, and not into the protocol", async () => {
    await world.decide({ do: "print" });
    await world.lines.until(/"stdout","line":"token=\[removed\]/);
    await world.lines.until(/"stderr","line":"second/);
    assert.ok(!world.lines.all.join().includes("Zk3vQ0m9"));
  });
});

describe("handler: time and memory", () => {
  for (const what of ["loop", "never"]) {
    it(`${what}: is stopped at the deadline, and the next device is served by a new process`, async () => {
      const clock = new ManualClock();
      await using world = start(MANY, { clock });
      const asked = world.decide({ do: what });
      await world.lines.until(/looping|waiting/);
      clock.advance(5_000);
      await denies(asked, "hook_timeout", /did not answer within 5000 ms; its process was stopped/);
      assert.equal((await world.decide()).parameterOverrides["asked"], "1");
    });
  }

  it("heap: a handler that fills V8's heap ends with that reason", async () => {
    await using world = start(MANY, { heapMiB: 24 });
    await denies(
      world.decide({ do: "heap" }),
      "hook_failed",
      /it was ended by SIG[A-Z]+, as happens where 24 MiB of memory do not suffice/,
    );
    assert.equal((await world.decide()).parameterOverrides["asked"], "1");
  });

  it("buffers: a handler that fills memory outside the heap ends with that reason", {
    skip: process.platform === "linux" ? false : "memory outside the heap is watched on Linux only",
  }, async () => {
    await using world = start(MANY, { clock: systemClock, residentMiB: 200, timeoutMs: 60_000 });
    await denies(world.decide({ do: "buffers" }), "hook_failed", /it used more than 200 MiB of memory/);
    assert.equal((await world.decide()).parameterOverrides["asked"], "1");
  });

  it("a request that waits behind a stuck one is denied at its own deadline, without having been asked", async () => {
    const clock = new ManualClock();
    await using world = start(MANY, { clock, processes: 1 });
    const stuck = world.decide({ do: "never" });
    await world.lines.until(/waiting/);
    clock.advance(1_000);
    const behind = world.decide();
    clock.advance(4_000);
    await denies(stuck, "hook_timeout", /its process was stopped/);
    clock.advance(1_000);
    await denies(behind, "hook_timeout", /was not asked within 5000 ms/);
  });

  it("requests beside the one that is stuck are asked again on another process", async () => {
    const clock = new ManualClock();
    const source = `
      let stuckHere = false;
      export const handler = async (event) => {
        stuckHere ||= event.parameters.do === "never";
        console.log("asked " + event.parameters.do);
        return stuckHere ? new Promise(() => {}) : { allowProvisioning: true };
      };`;
    await using world = start(source, { clock, processes: 1, requestsPerProcess: 2 });
    const stuck = world.decide({ do: "never" });
    await world.lines.until(/asked never/);
    clock.advance(2_000);
    const beside = world.decide({ do: "good" });
    await world.lines.until(/asked good/);
    clock.advance(3_000);
    await denies(stuck, "hook_timeout", /its process was stopped/);
    assert.deepEqual(await beside, { parameterOverrides: {} });
    assert.equal(world.lines.all.filter((line) => line.includes("asked good")).length, 2);
  });

  it("refuses more than the queue holds, at once, and ends those that wait when it closes", async () => {
    await using world = start(MANY, { processes: 1 });
    const first = world.decide({ do: "never" });
    await world.lines.until(/waiting/);
    const waiting = Promise.allSettled([first, ...Array.from({ length: 256 }, () => world.decide())]);
    await denies(world.decide(), "hook_failed", /256 requests wait for it already/);
    await world.hooks.close();
    const reasons = (await waiting).map((result) => (result.status === "rejected" ? String(result.reason) : "allowed"));
    assert.deepEqual([...new Set(reasons)], ["Fault: The hook was not waited for: it is being stopped."]);
  });

  it("starts another process while requests wait, and ends it when nobody has needed it for a minute", async () => {
    // Answers when both have come, so that each must have a process of its own.
    const held: ServerResponse[] = [];
    const server = createServer((_incoming, outgoing) => {
      held.push(outgoing);
      if (held.length === 2) for (const one of held) one.end("go on");
    });
    const url = `http://127.0.0.1:${await listening(server)}/`;
    const clock = new ManualClock();
    await using world = start(MANY, { clock, processes: 2 });
    await Promise.all([world.decide({ do: "call", url }), world.decide({ do: "call", url })]);
    assert.ok(!world.lines.all.some((line) => line.includes("not needed any more")));
    clock.advance(60_000);
    assert.equal(world.lines.all.filter((line) => line.includes("not needed any more")).length, 1);
    assert.equal((await world.decide()).parameterOverrides["asked"], "2");
    server.close();
  });
});

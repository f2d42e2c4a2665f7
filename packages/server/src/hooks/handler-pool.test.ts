import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Clock, ManualClock, systemClock } from "../kit/clock.ts";
import { createEgress } from "../kit/egress.ts";
import { Fault } from "../kit/fault.ts";
import type { Log } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { TemplateName } from "../vocabulary/ids.ts";
import type { HookDecision, HookRequest } from "./ports.ts";
import { createHooks, type Hooks, type HooksSettings } from "./pre-provisioning.ts";

const TEMPLATE = "pumps" as TemplateName;

function request(parameters: Record<string, string> = {}): HookRequest {
  return {
    claimCertificateId: "c1",
    certificateId: "d1",
    certificatePem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    templateArn: "arn:aws:iot:us-east-1:000000000000:provisioningtemplate/pumps",
    clientId: "client-1",
    parameters,
  };
}

/** Log lines as they come, and a way to wait for one: tests move on when something has happened, not after a while. */
class Lines implements Log {
  readonly all: string[] = [];
  #waiting: { pattern: RegExp; resolve: () => void }[] = [];

  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.all.push(`${message} ${JSON.stringify(fields)}`);
    for (const { pattern, resolve } of this.#waiting) if (pattern.test(this.all.join("\n"))) resolve();
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.info(message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.info(message, fields);
  }

  until(pattern: RegExp): Promise<void> {
    if (pattern.test(this.all.join("\n"))) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ pattern, resolve }));
  }
}

interface World extends AsyncDisposable {
  readonly hooks: Hooks;
  readonly lines: Lines;
  decide(parameters?: Record<string, string>): Promise<HookDecision>;
}

function start(source: string, more: { clock?: Clock; fileName?: string } & HooksSettings = {}): World {
  const { clock = new ManualClock(), fileName = "hook.mjs", ...settings } = more;
  const lines = new Lines();
  const hooks = createHooks({ clock, log: lines, random: systemRandom(), egress: createEgress() }, settings);
  hooks.configure(TEMPLATE, { kind: "handler", fileName, source });
  return {
    hooks,
    lines,
    decide: (parameters) => hooks.decide(TEMPLATE, request(parameters)),
    [Symbol.asyncDispose]: () => hooks.close(),
  };
}

async function denies(work: Promise<unknown>, code: FaultCode, pattern: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    assert.ok(error.message.length < 420, error.message);
    return true;
  });
}

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

describe("handler: forms", () => {
  const answer = "{ allowProvisioning: true, parameterOverrides: { from: event.parameters.a } }";
  const forms: readonly (readonly [string, string, string])[] = [
    ["an ES module", "hook.mjs", `export const handler = async (event, context) => (${answer});`],
    [
      "an ES module named .js",
      "hook.js",
      `import os from "node:os"; export const handler = async (event) => (${answer});`,
    ],
    ["an ES module's default", "hook.mjs", `export default async (event) => (${answer});`],
    ["CommonJS", "index.cjs", `exports.handler = async (event) => (${answer});`],
    [
      "CommonJS named .js",
      "index.js",
      `const os = require("os"); module.exports.handler = async (event) => (${answer});`,
    ],
    [
      "CommonJS in one object",
      "index.js",
      `const all = {}; all.handler = async (event) => (${answer}); module.exports = all;`,
    ],
    [
      "a callback",
      "index.js",
      `exports.handler = (event, context, callback) => { setImmediate(() => callback(null, ${answer})); };`,
    ],
    ["a value returned at once", "index.js", `exports.handler = (event) => (${answer});`],
    [
      "TypeScript",
      "hook.ts",
      `type E = { parameters: Record<string, string> }; export const handler = async (event: E) => (${answer});`,
    ],
  ];
  for (const [name, fileName, source] of forms) {
    it(`runs ${name}`, async () => {
      await using world = start(source, { fileName });
      assert.deepEqual((await world.decide({ a: "b" })).parameterOverrides, { from: "b" });
      assert.ok(!world.lines.all.join().includes("Warning"), world.lines.all.join());
    });
  }

  it("denies with the error that a callback was given", async () => {
    await using world = start(`exports.handler = (event, context, callback) => callback(new Error("no such MAC"));`, {
      fileName: "a.js",
    });
    await denies(world.decide(), "hook_failed", /The hook threw: no such MAC/);
  });

  it("does not wait for a handler that can no longer answer", async () => {
    await using world = start(`exports.handler = (event) => {};`, { fileName: "a.js" });
    await denies(world.decide(), "hook_answer_invalid", /is null/);
  });

  const broken: readonly (readonly [string, string, RegExp])[] = [
    ["does not parse", "export const handler = (", /Unexpected end of input|Unexpected token/],
    ["throws while it loads", 'throw new Error("no configuration")', /no configuration/],
    ["exports no handler", "export const main = 1", /exports no function named handler/],
    ["ends the process while it loads", "process.exit(0)", /exit code 0/],
    [
      "imports what is not there",
      'import "@aws-sdk/client-iot"; export const handler = 1',
      /Cannot find package '@aws-sdk\/client-iot'/,
    ],
  ];
  for (const [name, source, pattern] of broken) {
    it(`denies with the reason, and is found by check, when a handler ${name}`, async () => {
      await using world = start(source);
      await denies(world.decide(), "hook_failed", pattern);
      await denies(world.decide(), "hook_failed", /not running, next try in 1 s/);
      const config = { kind: "handler", fileName: "hook.mjs", source };
      await denies(world.hooks.check(config), "request_invalid", pattern);
    });
  }

  it("denies a handler that never finishes loading, and tries it again later and later", async () => {
    const clock = new ManualClock();
    await using world = start('console.log("loading"); await new Promise(() => setTimeout(() => {}, 1e9));', {
      clock,
      timeoutMs: 60_000,
    });
    const asked = world.decide();
    await world.lines.until(/loading/);
    clock.advance(10_000);
    await denies(asked, "hook_failed", /did not finish loading within 10 s/);
    clock.advance(1_000);
    const again = world.decide();
    clock.advance(10_000);
    await denies(again, "hook_failed", /did not finish loading/);
    await denies(world.decide(), "hook_failed", /next try in 2 s/);
  });

  it("does not start a process again and again that ends while nobody asks", async () => {
    await using world = start(
      'console.log("up"); setImmediate(() => process.exit(1)); export const handler = () => 1;',
    );
    // Replaced once for good will, then only when somebody asks, after a pause.
    await world.lines.until(/process ended.*\n(?:.*\n)*.*process ended/);
    await denies(world.decide(), "hook_failed", /not running, next try in 1 s: it ended by itself with exit code 1/);
    assert.equal(world.lines.all.filter((line) => line.includes('"up"')).length, 2);
  });
});

describe("handler: what it cannot reach", () => {
  const probe = (expression: string) => `
    import fs from "node:fs"; import os from "node:os"; import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    export const handler = async (event) => ({
      allowProvisioning: true, parameterOverrides: { seen: String(await (async () => ${expression})()).slice(0, 1000) },
    });`;
  const secret = mkdtempSync(join(tmpdir(), "fleetmint-test-"));
  before(() => {
    writeFileSync(join(secret, "ca.key"), "canary");
    process.env["FLEETMINT_TEST_SECRET"] = "canary";
  });
  after(() => {
    rmSync(secret, { recursive: true });
    delete process.env["FLEETMINT_TEST_SECRET"];
  });
  const path = JSON.stringify(join(secret, "ca.key"));
  const made = JSON.stringify(join(secret, "made"));
  const refused: readonly (readonly [string, string])[] = [
    ["other files", `fs.readFileSync(${path}, "utf8")`],
    ["other files by import", `import(${path})`],
    ["the server's environment", 'fs.readFileSync("/proc/" + process.ppid + "/environ", "utf8")'],
    ["the disk, to write", `fs.writeFileSync(${made}, "x")`],
    ["its own folder, to write", 'fs.writeFileSync("x", "x")'],
    ["other programs", 'require("node:child_process").execSync("id")'],
    ["worker threads", 'new (require("node:worker_threads").Worker)("1", { eval: true })'],
    ["databases", `new (require("node:sqlite").DatabaseSync)(${made})`],
    ["add-ons", 'process.dlopen({ exports: {} }, "/x.node")'],
    ["a debugger", 'require("node:inspector").open(0)'],
    ["heap snapshots", `require("node:v8").writeHeapSnapshot(${made})`],
    ["the server's priority", "os.setPriority(process.ppid, 19)"],
    ["the server's debugger", 'process.kill(process.ppid, "SIGUSR1")'],
  ];
  for (const [name, expression] of refused) {
    it(`has no access to ${name}`, async () => {
      await using world = start(probe(expression));
      await denies(world.decide(), "hook_failed", /restricted|disabled|No such built-in|may not/);
      assert.ok(!existsSync(join(secret, "made")));
    });
  }

  it("sees no environment but what the operator names", async () => {
    const environment = { FLEETMINT_TOKEN: "canary", AWS_REGION: "eu-west-1", SECRET: "canary" };
    await using world = start(probe("JSON.stringify(process.env)"), {
      environment,
      passEnvironment: ["AWS_REGION", "MISSING"],
    });
    const seen = JSON.parse((await world.decide()).parameterOverrides["seen"] ?? "") as Record<string, string>;
    assert.deepEqual(Object.keys(seen).sort(), [
      "AWS_LAMBDA_FUNCTION_NAME",
      "AWS_LAMBDA_FUNCTION_VERSION",
      "AWS_REGION",
      "LAMBDA_TASK_ROOT",
      "TZ",
    ]);
  });

  it("refuses to pass on variables that hold our secrets or change the program", () => {
    for (const name of ["FLEETMINT_TOKEN", "NODE_OPTIONS", "LD_PRELOAD", "a b"]) {
      assert.throws(() => start("", { passEnvironment: [name] }), /cannot be passed to handlers/);
    }
  });

  it("reaches the network, for people own handlers that call APIs", async () => {
    const server = createServer((_incoming, outgoing) => outgoing.end("from the API"));
    const port = await listening(server);
    await using world = start(
      probe(`(await fetch("http://localhost:${port}/", { headers: { connection: "close" } })).text()`),
    );
    assert.equal((await world.decide()).parameterOverrides["seen"], "from the API");
    server.close();
  });

  it("imports the packages that the operator offers", async () => {
    const modules = mkdtempSync(join(tmpdir(), "fleetmint-test-"));
    mkdirSync(join(modules, "@own", "sdk"), { recursive: true });
    writeFileSync(
      join(modules, "@own", "sdk", "package.json"),
      '{"name":"@own/sdk","type":"module","exports":"./a.js"}',
    );
    writeFileSync(join(modules, "@own", "sdk", "a.js"), 'export const hello = "from the package";');
    await using world = start(probe('(await import("@own/sdk")).hello'), { modulesFolder: modules });
    assert.equal((await world.decide()).parameterOverrides["seen"], "from the package");
    rmSync(modules, { recursive: true });
  });

  it("leaves nothing behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fleetmint-test-"));
    const world = start(MANY, { folder });
    await world.decide();
    assert.equal(readdirSync(folder).length, 1);
    await world.hooks.close();
    assert.deepEqual(readdirSync(folder), []);
    rmSync(folder, { recursive: true });
  });
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { denies, listening, start } from "./handler.fixture.ts";

const ALLOW = "export const handler = async () => ({ allowProvisioning: true });";

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
    const world = start(ALLOW, { folder });
    await world.decide();
    assert.equal(readdirSync(folder).length, 1);
    await world.hooks.close();
    assert.deepEqual(readdirSync(folder), []);
    rmSync(folder, { recursive: true });
  });
});

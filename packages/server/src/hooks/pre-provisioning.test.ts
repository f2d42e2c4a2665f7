import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { createEgress } from "../kit/egress.ts";
import { Fault } from "../kit/fault.ts";
import { silentLog } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import type { TemplateName } from "../vocabulary/ids.ts";
import { parseHookConfig } from "./hook-config.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";
import type { HookConfig, HookRequest } from "./ports.ts";
import { createHooks } from "./pre-provisioning.ts";

const A = "a" as TemplateName;
const B = "b" as TemplateName;
const secret = "0123456789abcdef";
const REQUEST: HookRequest = {
  claimCertificateId: "c1",
  certificateId: "d1",
  certificatePem: "PEM",
  templateArn: "arn",
  clientId: "client-1",
  parameters: {},
};

const answers = (text: string): HookConfig => ({
  kind: "handler",
  fileName: "hook.mjs",
  source: `export const handler = async () => ({ allowProvisioning: true, parameterOverrides: { text: "${text}" } });`,
});

describe("hooks of templates", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleetmint-test-"));
  after(() => rmSync(folder, { recursive: true }));
  const make = () =>
    createHooks(
      { clock: new ManualClock(), log: silentLog, random: systemRandom(), egress: createEgress() },
      { folder },
    );

  it("keeps one for each template, replaces it and ends it; without one nobody may allow", async () => {
    const hooks = make();
    hooks.configure(A, answers("one"));
    hooks.configure(B, answers("two"));
    assert.equal((await hooks.decide(A, REQUEST)).parameterOverrides["text"], "one");
    assert.equal((await hooks.decide(B, REQUEST)).parameterOverrides["text"], "two");
    hooks.configure(A, answers("three"));
    assert.equal((await hooks.decide(A, REQUEST)).parameterOverrides["text"], "three");
    hooks.configure(A, undefined);
    await assert.rejects(hooks.decide(A, REQUEST), (error) => error instanceof Fault && error.code === "hook_failed");
    await hooks.close();
    await assert.rejects(hooks.decide(B, REQUEST), /No hook is running for the template "b"/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("lets a request finish with the hook it began with", async () => {
    const hooks = make();
    hooks.configure(A, answers("old"));
    const underWay = hooks.decide(A, REQUEST);
    hooks.configure(A, answers("new"));
    assert.equal((await underWay).parameterOverrides["text"], "old");
    assert.equal((await hooks.decide(A, REQUEST)).parameterOverrides["text"], "new");
    await hooks.close();
  });

  it("starts nothing anew where the configuration is the same", async () => {
    const hooks = make();
    hooks.configure(A, answers("one"));
    const before = readdirSync(folder);
    hooks.configure(A, { ...answers("one") });
    assert.deepEqual(readdirSync(folder), before);
    await hooks.close();
  });

  it("keeps the hook in force where the new one is refused", async () => {
    const hooks = make();
    hooks.configure(A, answers("one"));
    assert.throws(
      () => hooks.configure(A, { kind: "webhook", url: "https://169.254.169.254/", secret }),
      /hook\.url: .*not a public address/,
    );
    assert.equal((await hooks.decide(A, REQUEST)).parameterOverrides["text"], "one");
    await hooks.close();
  });

  it("checks a configuration without keeping anything", async () => {
    const hooks = make();
    assert.equal((await hooks.check(answers("one"))).kind, "handler");
    assert.equal((await hooks.check({ kind: "webhook", url: "https://hook.example/", secret })).kind, "webhook");
    await assert.rejects(
      hooks.check({ kind: "webhook", url: "http://hook.example/", secret }),
      /hook\.url: .*not HTTPS/,
    );
    assert.deepEqual(readdirSync(folder), []);
    await hooks.close();
  });

  it("clears what a killed server left in its folder, and nothing else", async () => {
    mkdirSync(join(folder, "fleetmint-hook-old"));
    mkdirSync(join(folder, "else"));
    await make().close();
    assert.deepEqual(readdirSync(folder), ["else"]);
    rmSync(join(folder, "else"), { recursive: true });
  });

  it("says where a handler cannot be written", () => {
    const ports = { clock: new ManualClock(), log: silentLog, random: systemRandom(), egress: createEgress() };
    const hooks = createHooks(ports, { folder: join(folder, "missing") });
    assert.throws(
      () => hooks.configure(A, answers("one")),
      (error) =>
        error instanceof Fault && error.code === "store_unavailable" && /missing \(ENOENT\)/.test(error.message),
    );
  });
});

describe("hook configuration", () => {
  const webhook = { kind: "webhook", url: "https://hook.example/", secret };
  const handler = { kind: "handler", fileName: "hook.mjs", source: "export const handler = 1" };
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [null, /^hook must be an object/],
    ["https://hook.example", /^hook must be an object/],
    [{}, /^hook\.kind must be "webhook" or "handler"/],
    [{ ...webhook, kind: "lambda" }, /^hook\.kind/],
    [{ ...webhook, url: "hook.example" }, /^hook\.url must be a URL/],
    [{ ...webhook, url: 5 }, /^hook\.url/],
    [{ ...webhook, secret: "short" }, /^hook\.secret must be a text of 16 to 256/],
    [{ ...webhook, secret: "x".repeat(257) }, /^hook\.secret/],
    [{ ...webhook, file: "x" }, /^hook\.file is not known; there are kind, url, secret/],
    [{ ...handler, fileName: "../hook.mjs" }, /^hook\.fileName/],
    [{ ...handler, fileName: ".mjs" }, /^hook\.fileName/],
    [{ ...handler, fileName: "package.json" }, /^hook\.fileName/],
    [{ ...handler, fileName: "a\0.js" }, /^hook\.fileName/],
    [{ ...handler, source: " " }, /^hook\.source must be the text/],
    [{ ...handler, source: "é".repeat(HOOK_LIMITS.sourceBytes / 2 + 1) }, /^hook\.source must not be longer/],
    [{ ...handler, source: undefined }, /^hook\.source/],
  ];
  for (const [value, pattern] of cases) {
    it(`is refused with the field's name: ${JSON.stringify(value).slice(0, 70)}`, () => {
      assert.throws(
        () => parseHookConfig(value),
        (error) => error instanceof Fault && error.code === "request_invalid" && pattern.test(error.message),
      );
    });
  }

  it("is taken as it is where it is right", () => {
    assert.deepEqual(parseHookConfig(webhook), webhook);
    assert.deepEqual(parseHookConfig(handler), handler);
  });

  it("never repeats a secret", () => {
    for (const value of [
      { ...webhook, secret: "canary" },
      { ...webhook, url: "canary", secret: "canary" },
    ]) {
      assert.throws(
        () => parseHookConfig(value),
        (error) => !String(error).includes("canary"),
      );
    }
  });
});

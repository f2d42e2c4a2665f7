import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "./fault.ts";
import { createLog, type LogSettings } from "./log-sink.ts";

const CANARY = "Zk3vQ0m9xT7pL2aB8cD4eF6gH1iJ5kN0oP-qR_sUvWx";
const BODY = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
const PEM = `-----BEGIN PRIVATE KEY-----\n${BODY}\n-----END PRIVATE KEY-----\n`;

function capture(level: LogSettings["level"] = "info") {
  const lines: string[] = [];
  return { lines, log: createLog({ level, destination: { write: (line) => lines.push(line) } }) };
}

/** Each secret in every place that a careless caller may put it. */
function planted(): Readonly<Record<string, readonly [string, Record<string, unknown>?]>> {
  const circular: Record<string, unknown> = { token: CANARY, key: PEM };
  circular["self"] = circular;
  const withOwn = Object.assign(new Error("own"), { privateKey: PEM, answer: { certificateOwnershipToken: CANARY } });
  return {
    message: [`cannot read ${PEM} with token ${CANARY}`],
    "message with JSON": [JSON.stringify({ privateKey: PEM, token: CANARY })],
    "top level": ["x", { privateKey: PEM, authorization: `Bearer ${CANARY}` }],
    nested: ["x", { a: { b: { c: { privateKey: PEM, token: CANARY } } } }],
    array: ["x", { list: [PEM, { secret: CANARY }, `token=${CANARY}`] }],
    "array of lines": ["x", { list: PEM.split("\n") }],
    error: ["x", { error: new Error(`bad key ${PEM} token ${CANARY}`) }],
    "error cause": [
      "x",
      { error: new Fault("internal_error", "outer", { cause: new Error(`token: '${CANARY}' ${PEM}`) }) },
    ],
    "error fields": ["x", { err: withOwn }],
    "aggregate error": ["x", { error: new AggregateError([new Error(PEM), new Error(`token ${CANARY}`)]) }],
    "property name": ["x", { [`token=${CANARY}`]: 1, [PEM]: 2 }],
    map: ["x", { map: new Map([["password", CANARY]]), set: new Set([PEM]) }],
    "text of JSON": [
      "x",
      { body: JSON.stringify({ inner: JSON.stringify({ certificateOwnershipToken: CANARY, k: PEM }) }) },
    ],
    "pairs in an array": ["x", { headers: [["Authorization", CANARY]], rawHeaders: ["Host", "a", "X-Token", CANARY] }],
    bytes: ["x", { privateKey: Buffer.from(PEM), other: Buffer.from(CANARY) }],
    circular: ["x", circular],
    toJSON: ["x", { thing: { toJSON: () => ({ secret: CANARY, pem: PEM }) } }],
    "long text": ["x", { text: `${"a".repeat(8_000)}${PEM.repeat(3)}` }],
  };
}

describe("log sink", () => {
  for (const [place, [message, fields]] of Object.entries(planted())) {
    it(`lets no secret out that stands in: ${place}`, () => {
      const { log, lines } = capture();
      log.error(message, fields);
      assert.equal(lines.length, 1);
      const text = lines.join("");
      assert.ok(!text.includes(BODY.slice(0, 24)), text);
      assert.ok(!text.includes(CANARY.slice(0, 24)), text);
      JSON.parse(text);
    });
  }

  it("writes one JSON line with level, time, message and fields", () => {
    const { log, lines } = capture();
    log.warn("device refused", { code: "hook_denied", count: 3, none: undefined });
    const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    assert.equal(line["level"], "warn");
    assert.match(String(line["time"]), /^\d{4}-\d\d-\d\dT/);
    assert.equal(line["msg"], "device refused");
    assert.equal(line["code"], "hook_denied");
    assert.equal(line["count"], 3);
    assert.ok(lines[0]?.endsWith("}\n"));
  });

  it("keeps an error's code, cause and stack", () => {
    const { log, lines } = capture();
    log.error("x", { error: Object.assign(new Error("outer", { cause: new Error("inner") }), { code: "EIO" }) });
    const { error } = JSON.parse(lines[0] ?? "") as { error: Record<string, Record<string, unknown>> };
    assert.equal(error["message"], "outer");
    assert.equal(error["code"], "EIO");
    assert.equal(error["cause"]?.["message"], "inner");
    assert.match(String(error["stack"]), /log-sink\.test/);
  });

  it("keeps control characters out of the line and the text intact", () => {
    const { log, lines } = capture();
    const hostile = 'a\n{"level":"info"}\u001b[2J\u009b1m\u202e\u2028\u007f';
    log.info(hostile, { clientId: hostile });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must be absent.
    assert.match(lines[0] ?? "", /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]+\n$/);
    const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    assert.equal(line["msg"], hostile);
    assert.equal(line["clientId"], hostile);
  });

  it("stays bounded and does not throw, whatever it is given", () => {
    const { log, lines } = capture();
    const deep = JSON.parse(`${'{"a":'.repeat(50)}1${"}".repeat(50)}`) as Record<string, unknown>;
    log.info("m".repeat(1_000_000), { deep, many: Array.from({ length: 10_000 }, () => "v".repeat(10_000)) });
    const throwing = {
      get boom() {
        throw new Error("no");
      },
    };
    log.info("odd", { throwing, big: 1n, fn() {}, symbol: Symbol("s"), nan: Number.NaN });
    assert.equal(lines.length, 2);
    for (const line of lines) assert.ok(line.length < 200_000, String(line.length));
    assert.match(lines[1] ?? "", /unreadable/);
  });

  it("writes nothing below its level", () => {
    const { log, lines } = capture("error");
    log.info("a");
    log.warn("b");
    assert.deepEqual(lines, []);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Fault } from "../kit/fault.ts";
import { explain } from "./explain.ts";
import { readJson } from "./json-reader.ts";
import { lintTemplate } from "./lint-template.ts";
import { parseTemplate } from "./parse-template.ts";
import { CERTIFICATE, CERTIFICATE_ID, COMPLETE, PARAMETERS, THING } from "./testing/fixtures.ts";

const name = fc.constantFrom(
  "SerialNumber",
  "A",
  "thing",
  "p",
  "__proto__",
  "constructor",
  "M",
  "a",
  "AWS::IoT::Certificate::Id",
);
/** Mostly names that do no harm. */
const goodName = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("SerialNumber", "A") },
  { weight: 1, arbitrary: name },
);
const literal = fc.oneof(
  fc.constantFrom("", "-", "x", "0", "1", "*", "topic/${iot:ClientId}", "${A}-${SerialNumber}", "${thing}${p}"),
  fc.string({ maxLength: 8 }),
  fc.constantFrom<unknown>(null, 0, 1, -1, true, 1e9),
);
const { wild, sound } = fc.letrec<{ wild: unknown; list: unknown[]; sound: unknown; sounds: unknown[] }>((tie) => ({
  list: fc.array(tie("wild"), { maxLength: 4 }),
  /** Anything that looks like an expression, however wrong. */
  wild: fc.oneof(
    { depthSize: "small", maxDepth: 5 },
    literal,
    fc.record({ Ref: name }),
    fc.record({ "Fn::Join": fc.tuple(tie("wild"), fc.oneof(tie("list"), tie("wild"))) }),
    fc.record({ "Fn::Select": fc.tuple(tie("wild"), fc.oneof(tie("list"), tie("wild"))) }),
    fc.record({ "Fn::Split": fc.tuple(tie("wild"), tie("wild")) }),
    fc.record({ "Fn::FindInMap": fc.tuple(tie("wild"), tie("wild"), tie("wild")) }),
    fc.record({ "Fn::Sub": fc.oneof(literal, fc.tuple(literal, fc.dictionary(name, tie("wild"), { maxKeys: 2 }))) }),
    fc.dictionary(name, tie("wild"), { maxKeys: 3 }),
    tie("list"),
  ),
  sounds: fc.array(tie("sound"), { minLength: 1, maxLength: 4 }),
  /** Text by the grammar; whether it can be evaluated depends on the parameters. */
  sound: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    fc.constantFrom("a", "b-1", "x_y", "c:d"),
    fc.record({ Ref: fc.constantFrom("SerialNumber", "A", "thing", "AWS::IoT::Certificate::Id") }),
    fc.record({ "Fn::Join": fc.tuple(fc.constantFrom("-", ""), tie("sounds")) }),
    fc.record({ "Fn::Select": fc.tuple(fc.constantFrom("0", "0", "1"), tie("sounds")) }),
    fc.record({
      "Fn::Select": fc.tuple(fc.constant("0"), fc.record({ "Fn::Split": fc.tuple(fc.constant("-"), tie("sound")) })),
    }),
    fc.record({ "Fn::Sub": fc.constantFrom("a-${SerialNumber}", "${A}") }),
  ),
}));
const expression = fc.oneof({ weight: 9, arbitrary: sound }, { weight: 1, arbitrary: wild });

const template = fc.record(
  {
    Parameters: fc.constant(PARAMETERS),
    Mappings: fc.constantFrom<object>({}, { M: { a: { a: "x", b: ["y", "z"] } } }),
    Resources: fc.record({
      certificate: fc.constant(CERTIFICATE),
      thing: fc.oneof(
        fc.constant<object>(THING),
        fc.record({
          Type: fc.constant("AWS::IoT::Thing"),
          Properties: fc.record(
            {
              ThingName: expression,
              AttributePayload: fc.dictionary(goodName, expression, { maxKeys: 3 }),
              ThingGroups: fc.array(expression, { maxLength: 2 }),
            },
            { requiredKeys: ["ThingName"] },
          ),
        }),
      ),
      p: fc.record({
        Type: fc.constant("AWS::IoT::Policy"),
        Properties: fc.oneof(
          fc.record({ PolicyName: expression }),
          fc.record({ PolicyDocument: fc.record({ Statement: fc.array(expression, { maxLength: 2 }) }) }),
          fc.record({ PolicyDocument: expression }),
        ),
      }),
    }),
    DeviceConfiguration: fc.dictionary(goodName, expression, { maxKeys: 2 }),
  },
  { requiredKeys: ["Resources", "Parameters"] },
);
const parameters = fc.dictionary(
  goodName,
  fc.oneof(fc.constantFrom("1", "a"), fc.string(), fc.constantFrom("*", "\ue0000\ue001", '"', "x".repeat(4096))),
  { maxKeys: 4 },
);

test("10,000 random templates never pollute a prototype, do little work and throw nothing but Faults", () => {
  const before = [Object.prototype, Array.prototype, Map.prototype].map(
    (prototype) => Reflect.ownKeys(prototype).length,
  );
  const outcomes = { invalid: 0, denied: 0, issued: 0 };
  const check = ([written, sent]: [object, Readonly<Record<string, string>>]): void => {
    try {
      const read = parseTemplate(JSON.stringify(written));
      const { outcome, steps } = explain(read, {
        deviceParameters: new Map(Object.entries(sent)),
        hookOverrides: new Map(),
        certificateId: CERTIFICATE_ID,
        settings: { serialParameter: "SerialNumber" },
      });
      assert.ok(steps.length <= 1_100);
      assert.ok(JSON.stringify(outcome).length < 1_000_000);
      outcomes[outcome.kind]++;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      assert.equal(error.code, "template_invalid");
      outcomes.invalid++;
    }
  };
  const started = process.cpuUsage().user;
  fc.assert(fc.property(fc.tuple(template, parameters), check), {
    numRuns: 10_000,
    endOnFailure: true,
    seed: 20260101,
  });
  assert.ok(process.cpuUsage().user - started < 60_000_000, "10,000 templates took more than a minute");
  assert.deepEqual(
    [Object.prototype, Array.prototype, Map.prototype].map((prototype) => Reflect.ownKeys(prototype).length),
    before,
  );
  // Each outcome comes up, or the generator tests nothing.
  for (const [outcome, times] of Object.entries(outcomes)) assert.ok(times > 100, `${outcome}: ${times}`);
});

test("the JSON reader reads what JSON.parse reads, and refuses what it refuses", () => {
  const text = fc.oneof(
    fc.json(),
    fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, put]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + put + json.slice(place + 1);
    }),
  );
  const parses = (read: (text: string) => unknown, value: string): boolean => {
    try {
      read(value);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(text, (value) => parses(readJson, value) === parses(JSON.parse, value)),
    { numRuns: 5_000, endOnFailure: true, seed: 7 },
  );
});

test("a damaged template is linted, never a crash", () => {
  const text = JSON.stringify(COMPLETE);
  const damage = fc.tuple(
    fc.nat(text.length),
    fc.nat(12),
    fc.constantFrom('"', "{", "}", "[", "]", ":", ",", "null", "\\", "Ref", ""),
  );
  const check = ([at, cut, put]: [number, number, string]): void => {
    const findings = lintTemplate(text.slice(0, at) + put + text.slice(at + cut));
    for (const { line, column } of findings) assert.ok(line >= 1 && column >= 1);
  };
  fc.assert(fc.property(damage, check), { numRuns: 5_000, endOnFailure: true, seed: 11 });
});

test("names that refer to each other cost no more than their number", () => {
  const chain = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [
      `p${i}`,
      {
        Type: "AWS::IoT::Policy",
        Properties: { PolicyName: { "Fn::Select": ["0", [{ Ref: `p${i + 1}` }, { Ref: `p${i + 1}` }]] } },
      },
    ]),
  );
  const last = { Type: "AWS::IoT::Policy", Properties: { PolicyName: "last" } };
  const read = parseTemplate(JSON.stringify({ Resources: { c: CERTIFICATE, ...chain, p60: last } }));
  const { outcome } = explain(read, {
    deviceParameters: new Map(),
    hookOverrides: new Map(),
    certificateId: CERTIFICATE_ID,
    settings: { serialParameter: "S" },
  });
  assert.deepEqual(outcome.kind === "issued" && outcome.plan.policies, [{ name: "last", document: undefined }]);
});

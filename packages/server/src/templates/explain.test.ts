import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "./explain.ts";
import { parseTemplate } from "./parse-template.ts";
import { CERTIFICATE_ID, COMPLETE, plan } from "./testing/fixtures.ts";

const template = parseTemplate(JSON.stringify(COMPLETE));
const given = (parameters: Readonly<Record<string, string>>, overrides: Readonly<Record<string, string>> = {}) => ({
  deviceParameters: new Map(Object.entries(parameters)),
  hookOverrides: new Map(Object.entries(overrides)),
  certificateId: CERTIFICATE_ID,
  settings: { serialParameter: "SerialNumber" },
});

test("an explanation has the very plan that evaluation makes, and each function on the way", () => {
  const { outcome, steps, warnings } = explain(template, given({ SerialNumber: "17", DeviceLocation: "Rome" }));
  const expected = plan(COMPLETE, { parameters: { SerialNumber: "17", DeviceLocation: "Rome" } });
  assert.deepEqual(outcome, { kind: "issued", plan: expected });
  const join = steps.find((step) => step.step === "/Resources/thing/Properties/ThingName Fn::Join");
  assert.deepEqual(join, { step: join?.step, verdict: "ok", detail: '"-", ["pump","17"] → "pump-17"' });
  assert.ok(
    steps.some((step) => step.step.endsWith("Fn::FindInMap") && step.detail.endsWith('→ "https://rome.example"')),
  );
  assert.ok(steps.some((step) => step.step === "policy pumps" && step.detail.includes("must exist")));
  assert.deepEqual(warnings, []);
});

test("a refusal is explained with the steps before it", () => {
  const { outcome, steps } = explain(template, given({ SerialNumber: "a/b" }));
  assert.equal(outcome.kind === "denied" && outcome.fault.code, "name_invalid");
  assert.ok(steps.some((step) => step.verdict === "ok"));
  assert.equal(steps.at(-1)?.verdict, "denied");
});

test("what an operator may not expect is a warning", () => {
  const { warnings } = explain(template, {
    ...given({ DeviceLocation: "Rome", Colour: "red" }, { DeviceLocation: "Oslo" }),
    settings: { serialParameter: "Serial", enabled: false },
  });
  assert.deepEqual(
    warnings.map((warning) => warning.split(":")[0]),
    [
      'The hook replaces the device\'s parameter "DeviceLocation".',
      'The parameter "Colour" is not declared in the template.',
      "There is no serial number",
      "The template is disabled",
    ],
  );
});

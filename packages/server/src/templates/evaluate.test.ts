import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../kit/fault.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import {
  CERTIFICATE,
  CERTIFICATE_ID,
  COMPLETE,
  evaluated,
  type Given,
  PARAMETERS,
  plan,
  SIMPLE,
  THING,
} from "./testing/fixtures.ts";

function refused(code: FaultCode, message: RegExp, action: () => unknown): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

test("a complete template makes a complete plan", () => {
  const made = plan(COMPLETE, { parameters: { SerialNumber: "17" } });
  const document = made.policies[1]?.document;
  assert.deepEqual(made, {
    thing: {
      name: "pump-17",
      typeName: "pump",
      attributes: { version: "v1", serialNumber: "17", place: "Oslo" },
      groups: ["v1-pumps", "Oslo"],
      billingGroup: "fleet",
      override: { attributes: "MERGE", typeName: "REPLACE", groups: "FAIL" },
    },
    certificateStatus: "ACTIVE",
    exclusiveThing: true,
    policies: [
      { name: "pumps", document: undefined },
      { name: made.policies[1]?.name, document },
    ],
    deviceConfiguration: { FallbackUrl: "https://example.com", LocationUrl: "https://oslo.example" },
    serialNumber: "17",
  });
  assert.match(made.policies[1]?.name ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual(JSON.parse(document ?? "").Statement[0].Resource, [
    "arn:aws:iot:us-east-1:123456789012:topic/dt/17/*",
  ]);
});

test("what is left out has a default", () => {
  const made = plan(SIMPLE, { parameters: { SerialNumber: "1" } });
  assert.deepEqual(made.thing?.override, { attributes: "DO_NOTHING", typeName: "DO_NOTHING", groups: "DO_NOTHING" });
  assert.equal(made.exclusiveThing, false);
  assert.deepEqual(made.policies, []);
  assert.deepEqual(made.deviceConfiguration, {});
  const bare = plan({
    Resources: { c: { ...CERTIFICATE, Properties: { CertificateId: { Ref: "AWS::IoT::Certificate::Id" } } } },
  });
  assert.equal(bare.thing, undefined);
  assert.equal(bare.serialNumber, undefined);
  assert.equal(bare.certificateStatus, "ACTIVE");
});

test("a hook's override beats the device's parameter, which beats the default", () => {
  const parameters = { Parameters: { P: { Type: "String", Default: "default" } } };
  assert.equal(evaluated({ Ref: "P" }, {}, parameters), "default");
  assert.equal(evaluated({ Ref: "P" }, { parameters: { P: "device" } }, parameters), "device");
  assert.equal(evaluated({ Ref: "P" }, { parameters: { P: "device" }, overrides: { P: "hook" } }, parameters), "hook");
  assert.equal(plan(SIMPLE, { parameters: { SerialNumber: "1" }, overrides: { SerialNumber: "2" } }).serialNumber, "2");
});

test("a missing parameter is named", () => {
  refused("parameter_missing", /"SerialNumber" \(\/Resources\/thing\/Properties\/ThingName/, () => plan(SIMPLE));
  refused("parameter_missing", /"constructor"/, () => evaluated({ Ref: "constructor" }));
});

test("the certificate id is ours, whatever a device or hook says", () => {
  const parameters = { "AWS::IoT::Certificate::Id": "device", "AWS::IoT::Certificate::CommonName": "device" };
  assert.equal(evaluated({ Ref: "AWS::IoT::Certificate::Id" }, { parameters, overrides: parameters }), CERTIFICATE_ID);
  refused("parameter_missing", /CommonName/, () =>
    evaluated({ Ref: "AWS::IoT::Certificate::CommonName" }, { parameters }),
  );
  const other = { Resources: { c: { ...CERTIFICATE, Properties: { CertificateId: { Ref: "Id" } } } } };
  refused("template_evaluation_failed", /CertificateId must be/, () =>
    plan(other, { parameters: { Id: "cd".repeat(32) } }),
  );
});

test("each function computes what AWS documents", () => {
  const given: Given = { parameters: { A: "x", List: "p,q,r", City: "Rome", I: "1" } };
  const mappings = { Mappings: { M: { Rome: { Url: "u", Urls: ["a", "b"] } } } };
  const cases: [unknown, string][] = [
    [{ "Fn::Join": ["-", ["a", { Ref: "A" }, "b"]] }, "a-x-b"],
    [{ "Fn::Join": [{ Ref: "A" }, ["1", "2"]] }, "1x2"],
    [{ "Fn::Join": ["-", []] }, ""],
    [{ "Fn::Join": ["+", { "Fn::Split": [",", { Ref: "List" }] }] }, "p+q+r"],
    [{ "Fn::Select": ["1", ["a", "b"]] }, "b"],
    [{ "Fn::Select": [0, ["a", "b"]] }, "a"],
    [{ "Fn::Select": [{ Ref: "I" }, { "Fn::Split": [",", { Ref: "List" }] }] }, "q"],
    [{ "Fn::FindInMap": ["M", { Ref: "City" }, "Url"] }, "u"],
    [{ "Fn::Select": ["1", { "Fn::FindInMap": ["M", "Rome", "Urls"] }] }, "b"],
    [{ "Fn::Sub": `\${A}-\${ A }-\${!iot:ClientId}-$-{}` }, `x-x-\${iot:ClientId}-$-{}`],
    [{ "Fn::Sub": [`\${A}\${B}`, { B: { Ref: "City" }, A: "own" }] }, "ownRome"],
    [{ "Fn::Sub": [`\${A}`, {}] }, "x"],
    [{ Ref: "certificate" }, CERTIFICATE_ID],
  ];
  for (const [expression, expected] of cases)
    assert.equal(evaluated(expression, given, mappings), expected, JSON.stringify(expression));
});

test("a function that cannot be computed names its place", () => {
  const given = { parameters: { Empty: "", Long: ",".repeat(2000), I: "9", N: "-1", Big: "x".repeat(4096) } };
  const mappings = { Mappings: { M: { a: { b: "c" } } } };
  const cases: [unknown, RegExp][] = [
    [{ "Fn::Select": ["2", ["a", "b"]] }, /\/value: Fn::Select asks for item 2 of a list of 2/],
    [{ "Fn::Select": [{ Ref: "I" }, ["a"]] }, /item 9 of a list of 1/],
    [{ "Fn::Select": [{ Ref: "N" }, ["a"]] }, /whole number from 0/],
    [{ "Fn::Select": ["0", [null]] }, /item 0 of Fn::Select is null/],
    [{ "Fn::Select": ["0", { Ref: "I" }] }, /a list is needed here and there is text/],
    [{ "Fn::Join": ["-", ["a", 1]] }, /text is needed here and there is a number/],
    [{ "Fn::Join": ["-", [["a"]]] }, /text is needed here and there is a list/],
    [{ "Fn::Split": [{ Ref: "Empty" }, "a"] }, /empty delimiter/],
    [{ "Fn::Select": ["0", { "Fn::Split": [",", { Ref: "Long" }] }] }, /makes 2001 items; at most 1024/],
    [{ "Fn::FindInMap": ["M", "a", { Ref: "I" }] }, /no entry "M" → "a" → "9"/],
    [{ "Fn::FindInMap": [{ Ref: "I" }, "a", "b"] }, /no entry "9"/],
    [{ "Fn::FindInMap": ["M", "__proto__", "toString"] }, /no entry/],
    [{ "Fn::Sub": `\${Big}`.repeat(20) }, /a text would have 81920 characters/],
    [{ "Fn::Split": [",", "a,b"] }, /text is needed here and there is a list/],
  ];
  for (const [expression, message] of cases)
    refused("template_evaluation_failed", message, () => evaluated(expression, given, mappings));
});

test("a resource may be referred to by its logical name, but not by itself", () => {
  const policy = (name: unknown) => ({ Type: "AWS::IoT::Policy", Properties: { PolicyName: name } });
  const refer = (resources: object) =>
    plan(
      { Parameters: PARAMETERS, Resources: { certificate: CERTIFICATE, ...resources } },
      { parameters: { SerialNumber: "1" } },
    );
  assert.equal(refer({ thing: THING, policy: policy({ Ref: "thing" }) }).policies[0]?.name, "pump-1");
  refused("template_evaluation_failed", /"b" refers to itself/, () =>
    refer({ a: policy({ Ref: "b" }), b: policy({ Ref: "a" }) }),
  );
  const document = { Type: "AWS::IoT::Policy", Properties: { PolicyDocument: {} } };
  refused("template_evaluation_failed", /no name to refer to/, () => refer({ a: policy({ Ref: "b" }), b: document }));
});

test("names that result must match AWS's patterns", () => {
  for (const bad of ["a b", "", "x".repeat(129), "ü", "a/b", "a\n"]) {
    const thing = { Type: "AWS::IoT::Thing", Properties: { ThingName: { Ref: "N" } } };
    refused("name_invalid", /is not a thing name/, () =>
      plan({ Resources: { thing, certificate: CERTIFICATE } }, { parameters: { N: bad } }),
    );
  }
  const withThing = (more: object) => () =>
    plan({
      Resources: {
        certificate: CERTIFICATE,
        thing: { Type: "AWS::IoT::Thing", Properties: { ThingName: "t", ...more } },
      },
    });
  refused("name_invalid", /ThingTypeName: "a b" is not a thing type name/, withThing({ ThingTypeName: "a b" }));
  refused("name_invalid", /ThingGroups\/1: "a b" is not a group name/, withThing({ ThingGroups: ["a", "a b"] }));
  refused("name_invalid", /billing group name/, withThing({ BillingGroup: "a b" }));
  refused(
    "template_evaluation_failed",
    /10 groups, not 11/,
    withThing({ ThingGroups: Array.from({ length: 11 }, (_, i) => `g${i}`) }),
  );
  refused(
    "template_evaluation_failed",
    /a group's name is needed and there is null/,
    withThing({ ThingGroups: [null] }),
  );
  refused(
    "template_evaluation_failed",
    /"a b" is not an attribute name/,
    withThing({ AttributePayload: { "a b": "1" } }),
  );
  refused(
    "template_evaluation_failed",
    /the attribute "a" cannot be "b c"/,
    withThing({ AttributePayload: { a: "b c" } }),
  );
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`a${i}`, ""]));
  refused("template_evaluation_failed", /51 attributes; at most 50/, withThing({ AttributePayload: many }));
  assert.deepEqual(withThing({ ThingGroups: ["a", "b", "a"] })().thing?.groups, ["a", "b"]);
});

test("an attribute the device spoilt is the device's fault", () => {
  const thing = { Type: "AWS::IoT::Thing", Properties: { ThingName: "t", AttributePayload: { a: { Ref: "A" } } } };
  const template = { Resources: { thing, certificate: CERTIFICATE } };
  refused("parameter_invalid", /the attribute "a" cannot be "x y"/, () => plan(template, { parameters: { A: "x y" } }));
});

test("the certificate's status is read without regard to case", () => {
  const status = (Status: unknown, given: Given = {}) =>
    plan({ Resources: { c: { ...CERTIFICATE, Properties: { ...CERTIFICATE.Properties, Status } } } }, given)
      .certificateStatus;
  assert.equal(status("Active"), "ACTIVE");
  assert.equal(status("inactive"), "INACTIVE");
  assert.equal(status({ Ref: "S" }, { parameters: { S: "InActive" } }), "INACTIVE");
  refused("template_evaluation_failed", /"REVOKED" is not one of ACTIVE, INACTIVE/, () =>
    status({ Ref: "S" }, { parameters: { S: "REVOKED" } }),
  );
});

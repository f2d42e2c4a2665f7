import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../kit/fault.ts";
import { type Finding, lintTemplate } from "./lint-template.ts";
import { parseTemplate } from "./parse-template.ts";
import { CERTIFICATE, COMPLETE, SIMPLE, THING } from "./testing/fixtures.ts";

const errors = (template: unknown): readonly Finding[] =>
  lintTemplate(JSON.stringify(template)).filter((finding) => finding.severity === "error");

const withThing = (properties: object, more: object = {}) => ({
  Resources: {
    certificate: CERTIFICATE,
    thing: { Type: "AWS::IoT::Thing", Properties: { ThingName: "t", ...properties }, ...more },
  },
});
const withCertificate = (properties: object, more: object = {}) => ({
  Resources: {
    c: { Type: "AWS::IoT::Certificate", Properties: { ...CERTIFICATE.Properties, ...properties }, ...more },
  },
});
const withPolicy = (properties: object, more: object = {}) => ({
  Resources: { certificate: CERTIFICATE, p: { Type: "AWS::IoT::Policy", Properties: properties, ...more } },
});
const withValue = (value: unknown) => ({ Resources: { certificate: CERTIFICATE }, DeviceConfiguration: { value } });

test("templates of the shapes that people use have no findings", () => {
  for (const template of [SIMPLE, COMPLETE]) assert.deepEqual(lintTemplate(JSON.stringify(template, null, 2)), []);
  const extended = withThing({ ThingGroups: { "Fn::Split": [",", "a,b"] } });
  assert.deepEqual(lintTemplate(JSON.stringify(extended)), []);
});

test("a finding has its pointer, line and column", () => {
  const text = '{\n  "Resources": {\n    "c": { "Type": "AWS::IoT::Cert" }\n  }\n}';
  assert.deepEqual(
    lintTemplate(text).map(({ path, line, column, severity }) => ({ path, line, column, severity })),
    [
      { path: "/Resources", line: 2, column: 16, severity: "error" },
      { path: "/Resources/c/Type", line: 3, column: 20, severity: "error" },
    ],
  );
});

test("text that is not JSON is refused where it stops being so", () => {
  const cases: readonly [string, number, number, RegExp][] = [
    ["", 1, 1, /ends too early/],
    ['{"a": 1,}', 1, 9, /key in double quotes/],
    ['{\n"a" 1}', 2, 5, /":" is expected/],
    ["[1 2]", 1, 4, /"," or "]" is expected/],
    ['{"a": "b\n"}', 1, 7, /not closed, or holds a bare control/],
    ['{"a": 01}', 1, 8, /"," or "}" is expected/],
    ['{"a": nul}', 1, 7, /a JSON value is expected/],
    ["{} {}", 1, 4, /follows the end/],
    ['"\\x"', 1, 1, /not closed/],
    ["[".repeat(40), 1, 33, /deeper than 32/],
  ];
  for (const [text, line, column, message] of cases) {
    const [finding] = lintTemplate(text);
    assert.deepEqual([finding?.line, finding?.column], [line, column], text);
    assert.match(finding?.message ?? "", message);
  }
});

test("keys written twice and keys that reach into prototypes are refused anywhere", () => {
  const text = JSON.stringify(COMPLETE);
  for (const key of ["__proto__", "constructor", "prototype"]) {
    for (const place of [
      '"Parameters":{',
      '"Oslo":{',
      '"thing":{',
      '"AttributePayload":{',
      '"Bool":{',
      '"DeviceConfiguration":{',
    ]) {
      const spoilt = text.replace(place, `${place}"${key}":"x",`);
      assert.notEqual(spoilt, text);
      assert.ok(
        lintTemplate(spoilt).some((finding) => finding.message.includes(`"${key}" is not allowed`)),
        place,
      );
    }
  }
  const twice = lintTemplate(text.replace('"version":"v1"', '"version":"v1","version":"v2"'));
  assert.match(twice[0]?.message ?? "", /"version" occurs twice/);
});

test("a template of 10,240 characters is taken, a longer one refused", () => {
  const text = JSON.stringify(SIMPLE);
  assert.deepEqual(lintTemplate(text + " ".repeat(10_240 - text.length)), []);
  assert.match(
    lintTemplate(text + " ".repeat(10_241 - text.length))[0]?.message ?? "",
    /10241 characters; at most 10240/,
  );
});

test("every mistake is an error at its place", () => {
  const ref = { Ref: "AWS::IoT::Certificate::Id" };
  const cases: readonly [unknown, string, RegExp][] = [
    [[], "", /An object is expected/],
    [{}, "", /has no Resources/],
    [{ ...SIMPLE, Outputs: {} }, "/Outputs", /"Outputs" is not known/],
    [{ ...SIMPLE, Parameters: [] }, "/Parameters", /An object is expected here, not a list/],
    [
      { ...SIMPLE, Parameters: { SerialNumber: { Type: "Number" } } },
      "/Parameters/SerialNumber/Type",
      /needs "Type": "String"/,
    ],
    [{ ...SIMPLE, Parameters: { SerialNumber: {} } }, "/Parameters/SerialNumber", /needs "Type": "String"/],
    [
      { ...SIMPLE, Parameters: { SerialNumber: { Type: "String", Default: 1 } } },
      "/Parameters/SerialNumber/Default",
      /Literal text/,
    ],
    [
      { ...SIMPLE, Mappings: { M: { a: { b: { Ref: "x" } } } } },
      "/Mappings/M/a/b",
      /holds text at its second level, not an object/,
    ],
    [{ ...SIMPLE, Mappings: { M: { a: "b" } } }, "/Mappings/M/a", /An object is expected here, not text/],
    [{ Resources: { thing: THING } }, "/Resources", /0 resources of type AWS::IoT::Certificate; exactly one/],
    [{ Resources: { a: CERTIFICATE, b: CERTIFICATE } }, "/Resources", /There are 2 resources of type/],
    [{ Resources: { a: THING, b: THING, c: CERTIFICATE } }, "/Resources", /There are 2 things/],
    [{ Resources: { c: CERTIFICATE, x: {} } }, "/Resources/x", /"x" has no Type/],
    [{ Resources: { c: CERTIFICATE, x: { Type: "AWS::S3::Bucket" } } }, "/Resources/x/Type", /is not a resource type/],
    [{ Resources: { c: CERTIFICATE, x: { Type: "AWS::IoT::Thing" } } }, "/Resources/x", /has no Properties/],
    [{ Resources: { c: CERTIFICATE, x: { ...THING, DependsOn: "c" } } }, "/Resources/x/DependsOn", /is not known here/],
    [
      { Resources: { c: CERTIFICATE, x: { Type: "AWS::IoT::Thing", Properties: {} } } },
      "/Resources/x",
      /has no ThingName/,
    ],
    [withThing({ Colour: "red" }), "/Resources/thing/Properties/Colour", /is not known here/],
    [withThing({ ThingName: 1 }), "/Resources/thing/Properties/ThingName", /must be text or a function, not a number/],
    [
      withThing({ AttributePayload: { a: { b: "c" } } }),
      "/Resources/thing/Properties/AttributePayload/a",
      /must be text or a function, not an object/,
    ],
    [withThing({ ThingGroups: "a" }), "/Resources/thing/Properties/ThingGroups", /ThingGroups is a list, not text/],
    [
      withThing({}, { OverrideSettings: { ThingTypeName: "MERGE" } }),
      "/Resources/thing/OverrideSettings/ThingTypeName",
      /not a rule for ThingTypeName/,
    ],
    [
      withThing({}, { OverrideSettings: { ThingName: "FAIL" } }),
      "/Resources/thing/OverrideSettings/ThingName",
      /is not known here/,
    ],
    [
      withThing({}, { OverrideSettings: { ThingGroups: "merge" } }),
      "/Resources/thing/OverrideSettings/ThingGroups",
      /not a rule/,
    ],
    [withCertificate({ Status: "REVOKED" }), "/Resources/c/Properties/Status", /Status cannot be "REVOKED"/],
    [
      withCertificate({ ThingPrincipalType: "SHARED" }),
      "/Resources/c/Properties/ThingPrincipalType",
      /cannot be "SHARED"/,
    ],
    [withCertificate({ CertificateId: undefined }), "/Resources/c", /has no CertificateId/],
    [
      withCertificate({ CertificateSigningRequest: ref }),
      "/Resources/c/Properties/CertificateSigningRequest",
      /has no place/,
    ],
    [withCertificate({ CertificatePem: ref }), "/Resources/c/Properties/CertificatePem", /has no place/],
    [
      withCertificate({}, { OverrideSettings: { Status: "MERGE" } }),
      "/Resources/c/OverrideSettings/Status",
      /not a rule for Status/,
    ],
    [withPolicy({}), "/Resources/p", /either PolicyName or PolicyDocument/],
    [withPolicy({ PolicyName: "a", PolicyDocument: {} }), "/Resources/p", /not both/],
    [withPolicy({ PolicyDocument: [] }), "/Resources/p/Properties/PolicyDocument", /an object or text, not a list/],
    [
      withPolicy({ PolicyName: "a" }, { OverrideSettings: { PolicyName: "FAIL" } }),
      "/Resources/p/OverrideSettings/PolicyName",
      /no OverrideSettings/,
    ],
    [withValue({ a: "b" }), "/DeviceConfiguration/value", /DeviceConfiguration is flat/],
    [withValue(1), "/DeviceConfiguration/value", /not a number/],
    [withValue({ "Fn::If": ["a", "b", "c"] }), "/DeviceConfiguration/value", /Fn::If is not a function/],
    [withValue({ Ref: "a", x: 1 }), "/DeviceConfiguration/value", /must stand alone/],
    [withValue({ Ref: ["a"] }), "/DeviceConfiguration/value/Ref", /Literal text/],
    [withValue({ "Fn::Join": ["a"] }), "/DeviceConfiguration/value/Fn::Join", /takes a list of 2 values/],
    [withValue({ "Fn::Join": ["a", "b"] }), "/DeviceConfiguration/value/Fn::Join/1", /expects a list here, not text/],
    [withValue({ "Fn::Join": [1, ["b"]] }), "/DeviceConfiguration/value/Fn::Join/0", /expects text here, not a number/],
    [withValue({ "Fn::Select": [null, ["b"]] }), "/DeviceConfiguration/value/Fn::Select/0", /not null/],
    [
      withValue({ "Fn::Split": [",", ["b"]] }),
      "/DeviceConfiguration/value/Fn::Split/1",
      /expects text here, not a list/,
    ],
    [withValue({ "Fn::FindInMap": ["M", "a"] }), "/DeviceConfiguration/value/Fn::FindInMap", /takes a list of 3/],
    [withValue({ "Fn::FindInMap": ["M", "a", 1] }), "/DeviceConfiguration/value/Fn::FindInMap/2", /expects text/],
    [
      withValue({ "Fn::FindInMap": ["M", "a", "b"] }),
      "/DeviceConfiguration/value/Fn::FindInMap/0",
      /There is no mapping "M"/,
    ],
    [withValue({ "Fn::Sub": ["a"] }), "/DeviceConfiguration/value/Fn::Sub", /takes text, or a list of text and a map/],
    [withValue({ "Fn::Sub": 1 }), "/DeviceConfiguration/value/Fn::Sub", /Literal text/],
    [withValue({ "Fn::Sub": `\${iot:ClientId}` }), "/DeviceConfiguration/value/Fn::Sub", /is a policy variable/],
    [withValue(nested(9)), `/DeviceConfiguration/value${"/Fn::Join/1/0".repeat(8)}`, /nested deeper than 8/],
  ];
  for (const [template, path, message] of cases) {
    const found = errors(template);
    assert.ok(
      found.some((finding) => finding.path === path && message.test(finding.message) && finding.remedy !== ""),
      `${JSON.stringify(template)}\n${JSON.stringify(found, null, 1)}`,
    );
    assert.throws(() => parseTemplate(JSON.stringify(template)), Fault);
  }
  assert.deepEqual(errors(withValue(nested(8))), []);
});

function nested(depth: number): unknown {
  return depth === 0 ? "x" : { "Fn::Join": ["", [nested(depth - 1)]] };
}

test("what AWS accepts and people should know is a warning", () => {
  const cases: readonly [unknown, RegExp][] = [
    [{ Resources: { thing: THING, certificate: CERTIFICATE } }, /"SerialNumber" is not declared/],
    [{ ...SIMPLE, Parameters: { SerialNumber: { Type: "String", Description: "x" } } }, /"Description" has no effect/],
    [
      withThing({ AttributePayload: { a: "", b: "", c: "", d: "" } }),
      /at most 3 attributes on a thing without ThingTypeName/,
    ],
  ];
  for (const [template, message] of cases) {
    const [finding, ...more] = lintTemplate(JSON.stringify(template));
    assert.equal(finding?.severity, "warning");
    assert.match(finding?.message ?? "", message);
    assert.deepEqual(more, []);
    parseTemplate(JSON.stringify(template));
  }
});

test("a constant policy document is judged by the policy language, if that is at hand", () => {
  const seen: unknown[] = [];
  const checkPolicy = (document: unknown): void => {
    seen.push(document);
    throw new Fault("policy_invalid", "Version: must be there.");
  };
  const document = { Statement: [{ a: [1, true, null, "x"] }] };
  const [finding] = lintTemplate(JSON.stringify(withPolicy({ PolicyDocument: document })), { checkPolicy });
  assert.equal(finding?.path, "/Resources/p/Properties/PolicyDocument");
  assert.match(finding?.message ?? "", /Version: must be there/);
  lintTemplate(JSON.stringify(withPolicy({ PolicyDocument: "{}" })), { checkPolicy });
  lintTemplate(JSON.stringify(withPolicy({ PolicyDocument: { a: { Ref: "x" } } })), { checkPolicy });
  assert.deepEqual(seen, [document, "{}"]);
});

test("parsing refuses with the first error, its place and how many there are", () => {
  const text = JSON.stringify({ Resources: { c: CERTIFICATE }, A: 1, B: 2 });
  const place = /^line 1, column \d+ \(\/A\): "A" is not known here\. Known here: .* \(and 1 more\)$/;
  assert.throws(() => parseTemplate(text), { code: "template_invalid", message: place });
});

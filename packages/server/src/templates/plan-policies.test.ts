import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../kit/fault.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { PlannedPolicy } from "./plan.ts";
import { CERTIFICATE, type Given, plan } from "./testing/fixtures.ts";

function policyFrom(properties: object, given: Given = {}, more: object = {}): PlannedPolicy | undefined {
  const policy = { Type: "AWS::IoT::Policy", Properties: properties };
  return plan({ Resources: { certificate: CERTIFICATE, policy }, ...more }, given).policies[0];
}

function refused(code: FaultCode, message: RegExp, action: () => unknown): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

const documentWith = (resource: unknown): object => ({
  PolicyDocument: { Version: "2012-10-17", Statement: [{ Resource: resource }] },
});
const UNSAFE = ["*", "a?", "$", "{x", "x}", "+", "#", "a/b", "a\nb", "a\u0000", "a\u007f", "a\u0085"];

test("a device-supplied value with wildcards, variables or levels never reaches a policy", () => {
  for (const bad of UNSAFE) {
    const given = { parameters: { Serial: bad } };
    const ways = [
      { PolicyName: { Ref: "Serial" } },
      documentWith({ Ref: "Serial" }),
      documentWith([{ "Fn::Join": ["", ["topic/", { Ref: "Serial" }, "/*"]] }]),
      documentWith({ "Fn::Sub": `topic/\${Serial}` }),
      documentWith({ "Fn::Sub": ["topic/$" + "{X}", { X: { "Fn::Join": ["", [{ Ref: "Serial" }]] } }] }),
      { PolicyDocument: { "Fn::Sub": `{"Resource": "topic/\${Serial}"}` } },
    ];
    for (const way of ways)
      refused("parameter_invalid", /device-supplied value that reaches a policy/, () => policyFrom(way, given));
  }
});

test("the template's own wildcards around a device's value are kept, and so is a hook's", () => {
  const document = documentWith({ "Fn::Join": ["", ["arn:aws:iot:*:*:topic/", { Ref: "Serial" }, "/*"]] });
  assert.match(policyFrom(document, { parameters: { Serial: "17" } })?.document ?? "", /topic\/17\/\*"/);
  assert.match(
    policyFrom(document, { parameters: { Serial: "17" }, overrides: { Serial: "a/+" } })?.document ?? "",
    /topic\/a\/\+\/\*"/,
  );
});

test("a hook that only hands on what the device sent makes it no safer", () => {
  const document = documentWith({ "Fn::Join": ["", ["arn:aws:iot:*:*:topic/", { Ref: "Site" }]] });
  for (const bad of UNSAFE) {
    const echoes = [bad, `site-${bad}-1`];
    for (const echo of echoes) {
      const given = { parameters: { Wish: bad }, overrides: { Site: echo } };
      refused("parameter_invalid", /device-supplied/, () => policyFrom(document, given));
      const named = { clientId: bad, overrides: { Site: echo } };
      refused("parameter_invalid", /device-supplied/, () => policyFrom(document, named));
    }
  }
  const own = { parameters: { Wish: "17" }, overrides: { Site: "hall/17/#" } };
  assert.match(policyFrom(document, own)?.document ?? "", /topic\/hall\/17\/#"/);
});

test("taint survives cutting: the device's half of a text is still the device's", () => {
  const cut = { "Fn::Select": ["1", { "Fn::Split": ["|", { "Fn::Join": ["|", ["safe/*", { Ref: "Serial" }]] }] }] };
  refused("parameter_invalid", /device-supplied/, () => policyFrom(documentWith(cut), { parameters: { Serial: "*" } }));
  const other = { "Fn::Select": ["0", { "Fn::Split": ["|", { "Fn::Join": ["|", ["safe/*", { Ref: "Serial" }]] }] }] };
  assert.match(policyFrom(documentWith(other), { parameters: { Serial: "*" } })?.document ?? "", /safe\/\*/);
});

test("a value chosen from Mappings by the device is the template's own", () => {
  const mappings = { Mappings: { M: { "*": { topic: "all/*" } } } };
  const document = documentWith({ "Fn::FindInMap": ["M", { Ref: "Serial" }, "topic"] });
  assert.match(policyFrom(document, { parameters: { Serial: "*" } }, mappings)?.document ?? "", /all\/\*/);
});

test("a thing's name that the device made is still the device's when a policy refers to it", () => {
  const thing = { Type: "AWS::IoT::Thing", Properties: { ThingName: { Ref: "Serial" } } };
  const policy = { Type: "AWS::IoT::Policy", Properties: documentWith({ Ref: "thing" }) };
  const template = { Resources: { policy, certificate: CERTIFICATE, thing } };
  assert.throws(() => plan(template, { parameters: { Serial: "a/#" } }), Fault);
});

test("in a document given as text, a device's quotation mark stays a character", () => {
  const text = { PolicyDocument: { "Fn::Sub": `{"Statement": [{"Sid": "\${Serial}", "Effect": "Allow"}]}` } };
  const serial = 'x", "Effect": "Deny", "y": "\\';
  const document = JSON.parse(policyFrom(text, { parameters: { Serial: serial } })?.document ?? "");
  assert.deepEqual(document, { Statement: [{ Sid: serial, Effect: "Allow" }] });
});

test("a device's value cannot be syntax or a key of a document given as text", () => {
  const given = { parameters: { Serial: "1" } };
  refused("template_evaluation_failed", /is not JSON/, () =>
    policyFrom({ PolicyDocument: { "Fn::Sub": `{"a": \${Serial}}` } }, given),
  );
  refused("template_evaluation_failed", /in a key/, () =>
    policyFrom({ PolicyDocument: { "Fn::Sub": `{"\${Serial}": 1}` } }, given),
  );
  refused("template_evaluation_failed", /is not an object/, () =>
    policyFrom({ PolicyDocument: { "Fn::Sub": `"\${Serial}"` } }, given),
  );
  const marked = { parameters: { Serial: "\ue0000\ue001" } };
  refused("template_evaluation_failed", /U\+E000/, () =>
    policyFrom({ PolicyDocument: { "Fn::Sub": `{"a": "\${Serial}"}` } }, marked),
  );
});

test("the same document has the same name, in object or text form, and is planned once", () => {
  const document = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:Connect", Resource: "*" }] };
  const policy = (PolicyDocument: unknown) => ({ Type: "AWS::IoT::Policy", Properties: { PolicyDocument } });
  const resources = { certificate: CERTIFICATE, a: policy(document), b: policy(JSON.stringify(document, null, 2)) };
  const { policies } = plan({ Resources: resources });
  assert.equal(policies.length, 1);
  assert.equal(policies[0]?.document, JSON.stringify(document));
});

test("a policy's name and size are checked", () => {
  refused("name_invalid", /is not a policy name/, () => policyFrom({ PolicyName: "a b" }));
  const long = documentWith({ "Fn::Sub": `\${Big}`.repeat(5) });
  refused("template_evaluation_failed", /characters; at most 16384/, () =>
    policyFrom(long, { parameters: { Big: "x".repeat(4096) } }),
  );
});

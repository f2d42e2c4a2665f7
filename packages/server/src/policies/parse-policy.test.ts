import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../kit/fault.ts";
import { parsePolicy } from "./parse-policy.ts";
import { Chance, randomPolicy } from "./testing/random-policies.ts";

const ALLOW = { Effect: "Allow", Action: "iot:Publish", Resource: "*" };
const TOPIC = "arn:aws:iot:eu-west-1:123456789012:topic/";

function refusal(document: unknown): string {
  try {
    parsePolicy(document);
  } catch (error) {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, "policy_invalid");
    return error.message;
  }
  return assert.fail("the policy was accepted");
}

function refusedStatement(different: object): string {
  return refusal({ Version: "2012-10-17", Statement: [ALLOW, { ...ALLOW, ...different }] });
}

test("a policy may be text or an object, its statements a list or a single one", () => {
  const single = { Version: "2012-10-17", Id: "x", Statement: { ...ALLOW, Sid: "One", Condition: {} } };
  for (const document of [single, JSON.stringify(single)]) {
    const policy = parsePolicy(document);
    assert.equal(policy.statements.length, 1);
    assert.equal(policy.statements[0]?.sid, "One");
  }
});

test("every mistake is refused with its place", () => {
  const cases: readonly [unknown, RegExp][] = [
    ["{", /^The policy is not JSON: /],
    ["[]", /^Policy: must be an object, not a list/],
    [undefined, /^Policy: must be an object, not missing/],
    [{ Statement: [ALLOW] }, /^Version: must be "2012-10-17"/],
    [{ Version: "2012-10-17" }, /^Statement: must be an object, not missing/],
    [{ Version: "2012-10-17", Statement: [] }, /^Statement: is an empty list/],
    [{ Version: "2012-10-17", Statement: [ALLOW], Extra: 1 }, /^Extra: is not part of a policy/],
    [{ Version: "2012-10-17", Statement: [ALLOW], Id: 1 }, /^Id: must be text/],
    [{ Version: "2012-10-17", Statement: ["x"] }, /^Statement\[0\]: must be an object, not a string/],
  ];
  for (const [document, message] of cases) assert.match(refusal(document), message);
});

test("every mistake in a statement is refused with its place", () => {
  const cases: readonly [object, RegExp][] = [
    [{ Effect: "allow" }, /^Statement\[1\]\.Effect: must be "Allow" or "Deny"/],
    [{ Sid: 1 }, /^Statement\[1\]\.Sid: must be text/],
    [{ Action: [] }, /^Statement\[1\]\.Action: is an empty list/],
    [{ Action: ["iot:Publish", 1] }, /^Statement\[1\]\.Action\[1\]: must be text, not a number/],
    [{ Action: "Publish" }, /^Statement\[1\]\.Action: "Publish": an action is SERVICE:NAME/],
    [{ NotAction: "iot:*" }, /^Statement\[1\]\.NotAction: is not part of AWS IoT's policies/],
    [{ Principal: "*" }, /^Statement\[1\]\.Principal: .*attach the policy/],
    [{ Foo: 1 }, /^Statement\[1\]\.Foo: is not part of a statement/],
    [{ NotResource: "*" }, /^Statement\[1\]: needs either Resource or NotResource/],
    [{ Resource: undefined }, /^Statement\[1\]: needs either Resource or NotResource/],
    [{ Resource: ["*", "topic/a"] }, /^Statement\[1\]\.Resource\[1\]: "topic\/a": write arn:aws:iot:REGION:ACCOUNT/],
    [
      { Resource: "arn:aws:iot:topic/a:b:c" },
      /^Statement\[1\]\.Resource: .*stands where the region or account belongs/,
    ],
    [{ Resource: "arn:aws:iot:::topic" }, /must be TYPE\/NAME/],
    [{ Resource: "urn:aws:iot:::topic/a" }, /write arn:/],
    [{ Resource: `${TOPIC}\${iot:ThingName}` }, /is not a policy variable/],
    [{ Resource: `${TOPIC}\${iot:clientid}` }, /did you mean \$\{iot:ClientId\}/],
    [{ Resource: `${TOPIC}\${iot:ClientId` }, /has no closing "}"/],
    [{ Resource: `${TOPIC}\${iot:ConnectAttributes}` }, /cannot stand in a resource/],
    [{ Resource: `${TOPIC}\${iot:Certificate.Subject.Country.List}` }, /cannot stand in a resource/],
    [{ Resource: `${TOPIC}\${iot:Certificate.Subject.Colour}` }, /is not a policy variable/],
    [{ Condition: [] }, /^Statement\[1\]\.Condition: must be an object, not a list/],
  ];
  for (const [different, message] of cases) assert.match(refusedStatement(different), message);
});

test("every mistake in a condition is refused with its place", () => {
  const cases: readonly [object, RegExp][] = [
    [
      { StringIs: { "iot:ClientId": "a" } },
      /^Statement\[1\]\.Condition\.StringIs\.iot:ClientId: .*not a condition operator/,
    ],
    [{ StringEquals: { "iot:Clientid": "a" } }, /iot:Clientid is not a condition key; did you mean iot:ClientId\?/],
    [{ StringEquals: { "iot:ClientId": [] } }, /is an empty list/],
    [{ StringEquals: { "iot:ClientId": {} } }, /must be text, not an object/],
    [{ Bool: { "iot:Connection.Thing.IsAttached": "yes" } }, /"yes" is not "true" or "false"/],
    [{ NumericEquals: { "aws:EpochTime": "soon" } }, /"soon" is not a number/],
    [{ DateLessThan: { "aws:CurrentTime": "soon" } }, /"soon" is not a date/],
    [{ StringEquals: { "aws:CurrentTime": "2026" } }, /compare aws:CurrentTime with Date/],
    [{ IpAddress: { "aws:SourceIp": "192.0.2.0/33" } }, /is not an address or a network/],
    [{ IpAddress: { "aws:SourceIp": "192.0.2" } }, /is not an address or a network/],
    [{ Null: { "iot:ClientId": "maybe" } }, /Null takes one "true" or "false"/],
    [{ "ForAnyValue:Null": { "iot:ClientId": "true" } }, /Null takes no ForAnyValue/],
    [{ StringEquals: { "iot:LastWillTopic": "a" } }, /compare it with ArnEquals/],
    [{ ArnEquals: { "iot:ClientId": "arn:aws:iot:::topic/a" } }, /is not an ARN/],
    [{ ArnEquals: { "iot:LastWillTopic": "a" } }, /write arn:/],
  ];
  for (const [Condition, message] of cases) assert.match(refusedStatement({ Condition }), message);
});

test("a key written twice is refused, since JSON.parse would silently keep the last", () => {
  const text = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}';
  assert.match(refusal(text), /same key twice/);
  const colons = '{"Version":"2012-10-17","Statement":[{"Sid":"a:\\":b","Effect":"Deny","Action":"*","Resource":"*"}]}';
  assert.equal(parsePolicy(colons).statements[0]?.sid, 'a:":b');
});

test("a policy of 16,384 characters is taken, a longer one refused in any form", () => {
  const pad = (length: number): string => {
    const text = JSON.stringify({ Version: "2012-10-17", Id: "", Statement: [ALLOW] });
    return text.replace('"Id":""', `"Id":"${"x".repeat(length - text.length)}"`);
  };
  assert.equal(parsePolicy(pad(16_384)).statements.length, 1);
  assert.match(refusal(pad(16_385)), /has 16385 characters; at most 16384/);
  assert.match(refusal(JSON.parse(pad(16_385))), /has 16385 characters/);
});

test("version 2008-10-17 has no variables", () => {
  const document = { Version: "2008-10-17", Statement: { ...ALLOW, Resource: `${TOPIC}\${iot:ClientId}` } };
  assert.match(refusal(document), /needs "Version": "2012-10-17"/);
  assert.equal(parsePolicy({ Version: "2008-10-17", Statement: ALLOW }).version, "2008-10-17");
});

test("damaged documents are read or refused with a Fault, never anything else", () => {
  const chance = new Chance(3);
  for (let i = 0; i < 3_000; i++) {
    const text = JSON.stringify(randomPolicy(chance));
    const at = chance.below(text.length);
    const damaged =
      text.slice(0, at) +
      chance.pick(['"', "{", "}", "[", ":", "*", "$", "null", "\\", ""]) +
      text.slice(at + chance.below(9));
    try {
      parsePolicy(damaged);
    } catch (error) {
      assert.ok(error instanceof Fault, `${damaged}: ${String(error)}`);
    }
  }
  for (const deep of [
    "[".repeat(16_000),
    `${"[".repeat(8_000)}${"]".repeat(8_000)}`,
    `{"Statement":${"[".repeat(8_000)}`,
  ]) {
    refusal(deep);
  }
});

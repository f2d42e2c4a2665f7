import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "./compile.ts";
import { type Asked, certificate, decideBy, device, policyOf } from "./testing/fixtures.ts";

const holds = (Condition: object, asked: Asked = {}): boolean => decideBy({ Condition }, asked) === "allowed";

test("string operators compare exactly, without case, or with wildcards", () => {
  assert.ok(holds({ StringEquals: { "iot:ClientId": ["x", "client-1"] } }));
  assert.ok(!holds({ StringEquals: { "iot:ClientId": "client-*" } }));
  assert.ok(!holds({ StringEquals: { "iot:ClientId": "Client-1" } }));
  assert.ok(holds({ StringEqualsIgnoreCase: { "iot:ClientId": "CLIENT-1" } }));
  assert.ok(
    holds({ StringEqualsIgnoreCase: { "iot:ClientId": "client-1" } }, { principal: device({ clientId: "Client-1" }) }),
  );
  assert.ok(!holds({ StringNotEqualsIgnoreCase: { "iot:ClientId": "CLIENT-1" } }));
  assert.ok(holds({ StringLike: { "iot:ClientId": "client-?" } }));
  assert.ok(!holds({ StringNotLike: { "iot:ClientId": "c*" } }));
  assert.ok(holds({ StringNotEquals: { "iot:ClientId": ["x", "y"] } }));
  assert.ok(!holds({ StringNotEquals: { "iot:ClientId": ["x", "client-1"] } }));
});

test("variables may stand in a condition's values", () => {
  const thing = { name: "client-1", typeName: undefined, attributes: {} };
  const Condition = { StringEquals: { "iot:ClientId": `\${iot:Connection.Thing.ThingName}` } };
  assert.ok(holds(Condition, { principal: device({ thing }) }));
  assert.ok(!holds(Condition));
});

test("all conditions of a statement must hold", () => {
  const yes = { "iot:ClientId": "client-1" };
  const no = { "iot:Connection.Thing.ThingName": "x" };
  assert.ok(!holds({ StringEquals: { ...yes, ...no } }));
  assert.ok(!holds({ StringEquals: yes, StringLike: no }));
});

test("a missing value fails positive operators, passes negated ones, and IfExists", () => {
  const principal = device({ thing: undefined });
  const key = { "iot:Connection.Thing.ThingTypeName": "pump" };
  assert.ok(!holds({ StringEquals: key }, { principal }));
  assert.ok(holds({ StringNotEquals: key }, { principal }));
  assert.ok(holds({ StringEqualsIfExists: key }, { principal }));
  assert.ok(holds({ StringEqualsIfExists: key }));
  assert.ok(!holds({ StringEqualsIfExists: { "iot:Connection.Thing.ThingTypeName": "valve" } }));
  assert.ok(holds({ Null: { "iot:Connection.Thing.ThingTypeName": "true" } }, { principal }));
  assert.ok(!holds({ Null: { "iot:Connection.Thing.ThingTypeName": "true" } }));
  assert.ok(holds({ Null: { "iot:Connection.Thing.ThingTypeName": false } }));
});

test("whether a thing is attached is a Boolean", () => {
  const Condition = { Bool: { "iot:Connection.Thing.IsAttached": "true" } };
  assert.ok(holds(Condition));
  assert.ok(!holds(Condition, { principal: device({ thing: undefined }) }));
});

test("addresses are compared with networks of both families", () => {
  const from = (sourceAddress: string) => ({ principal: device({ sourceAddress }) });
  assert.ok(holds({ IpAddress: { "aws:SourceIp": "192.0.2.0/24" } }, from("192.0.2.255")));
  assert.ok(!holds({ IpAddress: { "aws:SourceIp": "192.0.2.0/24" } }, from("192.0.3.0")));
  assert.ok(holds({ IpAddress: { "aws:SourceIp": ["10.0.0.1", "2001:db8::/32"] } }, from("2001:db8:1::5")));
  assert.ok(holds({ NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } }, from("2001:db8::1")));
  assert.ok(!holds({ IpAddress: { "aws:SourceIp": "0.0.0.0/0" } }, from("nonsense")));
});

test("lists are judged by ForAllValues and ForAnyValue", () => {
  const principal = device({ certificate: certificate({ Organization: ["A", "B"] }) });
  const key = (...values: string[]) => ({ "iot:Certificate.Subject.Organization.List": values });
  assert.ok(holds({ "ForAllValues:StringEquals": key("A", "B", "C") }, { principal }));
  assert.ok(!holds({ "ForAllValues:StringEquals": key("A") }, { principal }));
  assert.ok(holds({ "ForAnyValue:StringEquals": key("A") }, { principal }));
  assert.ok(holds({ "ForAnyValue:StringNotEquals": key("A") }, { principal }));
  assert.ok(!holds({ "ForAllValues:StringNotEquals": key("A") }, { principal }));
  assert.ok(holds({ "ForAllValues:StringEquals": key("A") }));
  assert.ok(!holds({ "ForAnyValue:StringNotEquals": key("A") }));
});

test("the names of the certificate's variables with values are available", () => {
  const principal = device({ certificate: certificate({ Country: ["NO"], Title: [] }) });
  const has = (name: string) =>
    holds({ "ForAnyValue:StringEquals": { "iot:Certificate.AvailableKeys": name } }, { principal });
  assert.ok(has("iot:Certificate.Subject.Country"));
  assert.ok(!has("iot:Certificate.Subject.Title"));
});

test("the time comes from the clock, at each decision", () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const policy = policyOf({
    Effect: "Allow",
    Action: "iot:Publish",
    Resource: "*",
    Condition: {
      DateLessThan: { "aws:CurrentTime": "2026-01-01T00:00:10Z" },
      NumericGreaterThanEquals: { "aws:EpochTime": Date.UTC(2026, 0, 1) / 1000 },
    },
  });
  const compiled = compile([{ name: "test", policy }], device(), { now: () => nowMs });
  assert.equal(compiled.decideFor("publish", "a").decision, "allowed");
  nowMs += 10_000;
  assert.equal(compiled.decideFor("publish", "a").decision, "implicit_deny");
  nowMs -= 20_000;
  assert.equal(compiled.decideFor("publish", "a").decision, "implicit_deny");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "./compile.ts";
import { certificate, decideBy, device, policyOf } from "./testing/fixtures.ts";

const topic = (name: string): { readonly Resource: string } => ({
  Resource: `arn:aws:iot:eu-west-1:123456789012:topic/${name}`,
});
const publishes = (pattern: string, name: string): boolean =>
  decideBy(topic(pattern), { resource: `topic/${name}` }) === "allowed";

test("the statement that decided is named", () => {
  const policy = policyOf(
    { Effect: "Allow", Action: "iot:Publish", ...topic("a/*") },
    { Effect: "Deny", Action: "iot:Publish", ...topic("a/secret") },
  );
  const compiled = compile([{ name: "fleet", policy }], device());
  const decide = (name: string) => compiled.decide({ action: "iot:Publish", resource: `topic/${name}` });
  assert.deepEqual(decide("a/b"), { decision: "allowed", by: { policy: "fleet", statement: 0 } });
  assert.deepEqual(decide("a/secret"), { decision: "explicit_deny", by: { policy: "fleet", statement: 1 } });
  assert.deepEqual(decide("b"), { decision: "implicit_deny" });
  assert.deepEqual(compiled.decideFor("publish", "a/secret"), decide("a/secret"));
});

test("partition, region, account and the letter case of actions take no part in matching", () => {
  for (const Resource of [
    "arn:aws-cn:iot:x:y:topic/a",
    "arn:*:iot:*:*:topic/a",
    "arn:aws:iot:::topic/a",
    "arn:aws:iot:*",
    "arn:*",
  ]) {
    assert.equal(decideBy({ Resource, Action: "IOT:publish" }), "allowed", Resource);
  }
  assert.equal(decideBy({ Resource: "arn:aws:sqs:::topic/a" }), "implicit_deny");
  assert.equal(decideBy({ Resource: "arn:aws:s3:*" }), "implicit_deny");
});

test("a star stands for any text with slashes and colons, a question mark for one character", () => {
  assert.ok(publishes("a/*", "a/b/c:d"));
  assert.ok(publishes("a/*", "a/"));
  assert.ok(!publishes("a/*", "a"));
  assert.ok(publishes("*/b/*/d", "a/b/x/b/c/d"));
  assert.ok(!publishes("ab*ba", "aba"));
  assert.ok(publishes("a?c", "abc"));
  assert.ok(publishes("a?c", "a😀c"));
  assert.ok(!publishes("a??c", "a😀c"));
  assert.ok(publishes("a${*}c", "a*c"));
  assert.ok(!publishes("a${*}c", "abc"));
  assert.ok(publishes("a${?}${$}", "a?$"));
});

test("the type of a resource counts: topicfilter is not topic", () => {
  assert.equal(decideBy(topic("a"), { action: "iot:Subscribe", resource: "topicfilter/a" }), "implicit_deny");
  const filter = { Resource: "arn:aws:iot:::topicfilter/a/*" };
  assert.equal(decideBy(filter, { action: "iot:Subscribe", resource: "topicfilter/a/+/#" }), "allowed");
  assert.equal(decideBy(filter, { resource: "topic/a/b" }), "implicit_deny");
});

test("a filter is judged as text: a plus sign in a policy is only a plus sign", () => {
  const filter = { Resource: "arn:aws:iot:::topicfilter/a/+" };
  assert.equal(decideBy(filter, { action: "iot:Subscribe", resource: "topicfilter/a/+" }), "allowed");
  assert.equal(decideBy(filter, { action: "iot:Subscribe", resource: "topicfilter/a/b" }), "implicit_deny");
});

test("values of variables are literal", () => {
  const Resource = `arn:aws:iot:::client/\${iot:ClientId}`;
  const asked = (clientId: string, wanted: string) =>
    decideBy({ Resource }, { action: "iot:Connect", resource: `client/${wanted}`, principal: device({ clientId }) });
  assert.equal(asked("*", "*"), "allowed");
  assert.equal(asked("*", "other"), "implicit_deny");
  assert.equal(asked("a?", "ab"), "implicit_deny");
});

test("a client id or attribute with topic wildcards never becomes part of a topic filter", () => {
  const ask = (variable: string, principal: ReturnType<typeof device>, filter: string) =>
    decideBy(
      { Resource: `arn:aws:iot:::topicfilter/x/\${${variable}}` },
      { action: "iot:Subscribe", resource: `topicfilter/x/${filter}`, principal },
    );
  assert.equal(ask("iot:ClientId", device({ clientId: "+" }), "+"), "implicit_deny");
  const thing = { name: "t", typeName: undefined, attributes: { site: "#" } };
  assert.equal(ask("iot:Connection.Thing.Attributes[site]", device({ thing }), "#"), "implicit_deny");
  assert.equal(ask("iot:Connection.Thing.Attributes[site]", device(), "oslo"), "allowed");
});

test("a variable without value makes its resource match nothing, and 'everything but it' allow nothing", () => {
  const principal = device({ thing: undefined });
  const Resource = `arn:aws:iot:::topic/\${iot:Connection.Thing.ThingName}`;
  assert.equal(decideBy({ Resource }, { principal, resource: "topic/" }), "implicit_deny");
  const except = { Resource: undefined, NotResource: Resource };
  assert.equal(decideBy(except, { principal, resource: "topic/a" }), "implicit_deny");
  assert.equal(decideBy(except, { resource: "topic/a" }), "allowed");
  assert.equal(decideBy(except, { resource: "topic/pump-1" }), "implicit_deny");
  assert.equal(decideBy({ ...except, Effect: "Deny" }, { principal, resource: "topic/a" }), "explicit_deny");
});

test("an attribute named like a member of every object is not found there", () => {
  const Resource = `arn:aws:iot:::topic/\${iot:Connection.Thing.Attributes[constructor]}*`;
  assert.equal(decideBy({ Resource }, { resource: "topic/function" }), "implicit_deny");
});

test("certificate values follow the limits of AWS", () => {
  const ask = (CommonName: readonly string[], variable: string, name: string) =>
    decideBy(topic(`\${iot:Certificate.Subject.${variable}}`), {
      resource: `topic/${name}`,
      principal: device({ certificate: certificate({ CommonName }) }),
    });
  assert.equal(ask(["a", "b"], "CommonName", "a"), "allowed");
  assert.equal(ask(["a", "b"], "CommonName.1", "b"), "allowed");
  assert.equal(ask(["a", "b"], "CommonName.2", ""), "implicit_deny");
  for (const awkward of ["a*", "a$", "a+", "a?", "a#"])
    assert.equal(ask([awkward], "CommonName", awkward), "implicit_deny");
  assert.equal(ask(["x".repeat(1024)], "CommonName", "x".repeat(1024)), "allowed");
  assert.equal(ask(["x".repeat(1025)], "CommonName", "x".repeat(1025)), "implicit_deny");
});

test("a hostile pattern takes no longer than a plain one", () => {
  const evil = `${"*a".repeat(100)}*b?`;
  const started = process.cpuUsage().user;
  for (let i = 0; i < 20; i++) assert.ok(!publishes(evil, "a".repeat(256)));
  assert.ok(process.cpuUsage().user - started < 2_000_000, "20 matches took more than two seconds");
});

test("a decision on a live connection costs about a microsecond", () => {
  const names = Array.from(
    { length: 10 },
    (_, index) => topic(`dt/\${iot:Connection.Thing.ThingName}/${index}/*`).Resource,
  );
  const policy = policyOf({ Effect: "Allow", Action: ["iot:Publish", "iot:Receive"], Resource: names });
  const compiled = compile([{ name: "fleet", policy }], device());
  const started = process.cpuUsage().user;
  for (let i = 0; i < 100_000; i++) compiled.decideFor("publish", "dt/pump-1/9/temperature");
  // Twenty times what it takes, so that a busy machine does not fail it and a compile per publish does.
  assert.ok(process.cpuUsage().user - started < 1_000_000, "a decision took more than 10 µs");
});

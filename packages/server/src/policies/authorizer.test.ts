import assert from "node:assert/strict";
import { test } from "node:test";
import type { TemplateName } from "../vocabulary/ids.ts";
import { claimAuthorizer } from "./claim-authorizer.ts";
import { parsePolicy } from "./parse-policy.ts";
import { QUARANTINE_POLICY, quarantineAuthorizer } from "./quarantine.ts";
import { authorizerFor, device } from "./testing/fixtures.ts";

const PLAIN = { persistent: false, willTopic: undefined };
const allow = (Action: string | string[], Resource: string, more: object = {}): object => ({
  Effect: "Allow",
  Action,
  Resource,
  ...more,
});

test("a retained message needs iot:Publish and iot:RetainPublish", () => {
  const topic = "arn:aws:iot:::topic/a";
  const may = (...actions: string[]) => authorizerFor(device(), allow(actions, topic)).publish("a", true);
  assert.ok(!may("iot:Publish"));
  assert.ok(!may("iot:RetainPublish"));
  assert.ok(may("iot:Publish", "iot:RetainPublish"));
  assert.ok(authorizerFor(device(), allow("iot:Publish", topic)).publish("a", false));
});

test("a shared subscription is judged on its filter", () => {
  const authorizer = authorizerFor(device(), allow("iot:Subscribe", "arn:aws:iot:::topicfilter/a/*"));
  assert.ok(authorizer.subscribe("a/+"));
  assert.ok(authorizer.subscribe("$share/group/a/+"));
  assert.ok(!authorizer.subscribe("$share/group/b"));
  const everything = authorizerFor(device(), allow("iot:Subscribe", "*"));
  for (const malformed of ["$share/group", "$share/", "$share//a", "$share/g/", "$share/+/a"]) {
    assert.ok(!everything.subscribe(malformed), malformed);
  }
});

test("subscribing and receiving are allowed apart", () => {
  const authorizer = authorizerFor(
    device(),
    allow("iot:Subscribe", "*"),
    allow("iot:Receive", "arn:aws:iot:::topic/a"),
  );
  assert.ok(authorizer.subscribe("b"));
  assert.ok(authorizer.receive("a"));
  assert.ok(!authorizer.receive("b"));
  assert.ok(!authorizer.publish("a", false));
});

test("CONNECT is judged on the client id and on what it asks for", () => {
  const everyone = authorizerFor(device(), allow("iot:Connect", "*"));
  assert.ok(everyone.connect({ persistent: true, willTopic: "will" }));
  const own = allow("iot:Connect", `arn:aws:iot:::client/\${iot:Connection.Thing.ThingName}`);
  assert.ok(!authorizerFor(device(), own).connect(PLAIN));
  assert.ok(authorizerFor(device({ clientId: "pump-1" }), own).connect(PLAIN));
});

test("a policy may refuse persistent sessions and name the will's topic", () => {
  const noPersistence = {
    Effect: "Deny",
    Action: "iot:Connect",
    Resource: "*",
    Condition: { "ForAnyValue:StringEquals": { "iot:ConnectAttributes": ["PersistentConnect"] } },
  };
  const authorizer = authorizerFor(device(), allow("iot:Connect", "*"), noPersistence);
  assert.ok(authorizer.connect(PLAIN));
  assert.ok(!authorizer.connect({ persistent: true, willTopic: undefined }));

  const arn = `arn:aws:iot:eu-west-1:1:topic/will/\${iot:ClientId}`;
  const onlyWill = authorizerFor(
    device(),
    allow("iot:Connect", "*", { Condition: { ArnEquals: { "iot:LastWillTopic": arn } } }),
  );
  assert.ok(onlyWill.connect({ persistent: false, willTopic: "will/client-1" }));
  assert.ok(!onlyWill.connect({ persistent: false, willTopic: "will/client-2" }));
  assert.ok(!onlyWill.connect(PLAIN));
});

const claim = claimAuthorizer({ templates: ["fleet" as TemplateName] });
const REQUESTS = [
  "$aws/certificates/create/json",
  "$aws/certificates/create/cbor",
  "$aws/certificates/create-from-csr/json",
  "$aws/certificates/create-from-csr/cbor",
  "$aws/provisioning-templates/fleet/provision/json",
  "$aws/provisioning-templates/fleet/provision/cbor",
];

test("a claim may provision through its own templates", () => {
  assert.ok(claim.connect({ persistent: true, willTopic: undefined }));
  for (const topic of REQUESTS) {
    assert.ok(claim.publish(topic, false), topic);
    for (const answer of [`${topic}/accepted`, `${topic}/rejected`])
      assert.ok(claim.subscribe(answer) && claim.receive(answer));
    for (const filter of [`${topic}/+`, `${topic}/#`]) assert.ok(claim.subscribe(filter), filter);
  }
});

test("a claim can do nothing else", () => {
  assert.ok(!claim.connect({ persistent: false, willTopic: "a" }));
  for (const topic of REQUESTS) {
    assert.ok(!claim.publish(topic, true), "retained");
    assert.ok(!claim.publish(`${topic}/accepted`, false), "an answer forged");
    assert.ok(!claim.receive(topic) && !claim.subscribe(topic), "another device's request");
  }
  const others = [
    "a",
    "#",
    "+/#",
    "$aws/#",
    "$aws/certificates/create/+",
    "$aws/certificates/create/#",
    "$aws/certificates/create/xml",
  ];
  others.push(
    "$aws/provisioning-templates/other/provision/json",
    "$aws/provisioning-templates/+/provision/json/accepted",
  );
  others.push("$share/g/$aws/certificates/create/json/accepted", "");
  for (const topic of others) {
    assert.ok(!claim.publish(topic, false) && !claim.subscribe(topic) && !claim.receive(topic), topic);
    assert.ok(!claim.subscribe(`${topic}/accepted`), topic);
  }
});

test("a quarantined device may stay connected and nothing else, unless the operator says otherwise", () => {
  const quarantined = quarantineAuthorizer(device());
  assert.ok(quarantined.connect({ persistent: true, willTopic: undefined }));
  for (const name of ["a", "dt/pump-1", "#", "$aws/things/pump-1/shadow/get"]) {
    assert.ok(!quarantined.publish(name, false) && !quarantined.publish(name, true));
    assert.ok(!quarantined.subscribe(name) && !quarantined.receive(name));
  }
  assert.equal(parsePolicy(QUARANTINE_POLICY).statements.length, 1);
  const own = parsePolicy({ Version: "2012-10-17", Statement: allow("iot:Publish", "arn:aws:iot:::topic/alarm") });
  assert.ok(quarantineAuthorizer(device(), own).publish("alarm", false));
});

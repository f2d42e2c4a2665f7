import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startFixture } from "./fixture.ts";

const fixture = await startFixture();
after(() => fixture[Symbol.asyncDispose]());
const { fleetmint, json } = fixture;
const ID = "0123456789abcdef".repeat(4);

test("thing list -o json has exactly the fields that scripts rely on", async () => {
  assert.deepEqual(await json("thing", "list"), [
    {
      thingName: "sensor-1",
      thingType: "sensor",
      groups: ["factory-a"],
      attributes: { batch: "7" },
      status: "active",
      certificates: [{ certificateId: ID, status: "ACTIVE", notAfter: "2027-01-01T00:00:00.000Z" }],
    },
    { thingName: "sensor-2", thingType: null, groups: [], attributes: {}, status: "quarantined", certificates: [] },
  ]);
});

test("attempt list -o json has exactly the fields that scripts rely on, newest first", async () => {
  const attempts = await json<{ id: string }[]>("attempt", "list");
  assert.deepEqual(attempts[0], {
    id: "att-2",
    at: "2026-01-01T00:00:02.000Z",
    flow: "claim",
    front: "aws-mqtt",
    clientId: "dev-2",
    principal: { kind: "claim", id: "claim-1" },
    template: "factory",
    outcome: "denied",
    reason: "serial_not_expected",
    message: "SN-X is not on the claim's list.",
    thingName: null,
  });
  assert.deepEqual(
    attempts.map(({ id }) => id),
    ["att-2", "att-1"],
  );
});

test("attempt list filters and is bounded", async () => {
  assert.equal((await json<unknown[]>("attempt", "list", "--outcome", "issued")).length, 1);
  assert.equal((await json<unknown[]>("attempt", "list", "--limit", "1")).length, 1);
});

test("thing list is a table of aligned columns", async () => {
  const { code, out, err } = await fleetmint("thing", "list");
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(
    out,
    [
      "THING     TYPE    STATUS       GROUPS     CERTIFICATE       UNTIL",
      "sensor-1  sensor  active       factory-a  0123456789abcdef  2027-01-01",
      "sensor-2  –       quarantined  –          –                 –",
      "",
    ].join("\n"),
  );
});

for (const argv of [
  ["thing", "list"],
  ["thing", "show", "sensor-1"],
  ["attempt", "list"],
  ["attempt", "show", "att-2"],
  ["claim", "list"],
  ["claim", "show", "claim-1"],
  ["claim", "audit", "claim-1"],
  ["claim", "devices", "claim-1"],
  ["claim", "devices", "claim-1", "--expected"],
  ["template", "list"],
  ["template", "show", "factory"],
  ["template", "versions", "factory"],
  ["template", "explain", "factory", "--parameter", "SerialNumber=SN-1"],
  ["policy", "list"],
  ["policy", "show", "telemetry"],
  ["type", "list"],
  ["group", "list"],
  ["cert", "list"],
  ["event", "list"],
  ["audit", "log"],
]) {
  test(`${argv.join(" ")} shows itself within 80 columns and as one JSON value`, async () => {
    const { code, out, err } = await fleetmint(...argv);
    assert.deepEqual([code, err], [0, ""]);
    assert.ok(out.endsWith("\n") && out.trim() !== "", "says something");
    for (const line of out.split("\n")) assert.ok([...line].length <= 80, line);
    assert.ok(!out.includes("\u001b"), "no colour");
    assert.doesNotMatch(out, /undefined|\[object/);
    assert.equal(typeof (await json(...argv)), "object");
  });
}

test("attempt show tells each step with its mark, the reason and the remedy", async () => {
  const { out } = await fleetmint("attempt", "show", "att-2");
  assert.match(out, /^✓ csr +0 ms {2}EC P-256$/m);
  assert.match(out, /^✗ serial +1000 ms {2}SN-X is not expected$/m);
  assert.match(out, /^Denied: serial_not_expected$/m);
  assert.match(out, /fix: Add it to the list/);
});

test("attempt show of an issued one says what was written", async () => {
  const { out } = await fleetmint("attempt", "show", "att-1");
  assert.match(out, /^Issued: sensor-1\n {2}thing sensor-1 created\n {2}policy telemetry attached$/m);
});

test("claim audit prints each finding with its advice", async () => {
  const { out } = await fleetmint("claim", "audit", "claim-1");
  assert.match(out, /^alarm {4}1 serial number was tried/m);
  assert.match(out, /^ +→ Add it, or rotate\.$/m);
  assert.match(out, /^quota +2 of 10 \(20 %\)$/m);
});

test("cert show takes the short id of the list back", async () => {
  const { out } = await fleetmint("cert", "show", ID.slice(0, 16));
  assert.match(out, new RegExp(ID));
  const unknown = await fleetmint("cert", "show", "ffffffffffff");
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /No certificate begins with "ffffffffffff"/);
});

test("event list and audit log say what happened", async () => {
  assert.match((await fleetmint("event", "list")).out, /connection\.refused +sensor-1 +The certificate was revoked/);
  assert.match((await fleetmint("audit", "log")).out, /^0 +01-01 00:00 +installation\.initialized/m);
  assert.equal((await json<{ index: number }[]>("audit", "log", "--limit", "1"))[0]?.index, 1);
});

test("doctor ends with 1 when something is broken, says what to do, and tells warnings from errors", async () => {
  const { code, out } = await fleetmint("doctor");
  assert.equal(code, 1);
  assert.match(out, /^✓ server-certificate: Valid/m);
  assert.match(out, /^✗ disk: 12 MiB free\.\n {4}→ Free space\.$/m);
  assert.match(out, /^! ca-key: [\s\S]*→ Use --ca-passphrase-file/m);
});

test("template lint ends with 1 on an error and 0 without", async () => {
  const bad = await fleetmint("template", "lint", "--file", fixture.file("bad.json", "nope"));
  assert.equal(bad.code, 1);
  assert.match(bad.out, /^error {2}the document\n {4}The template is not JSON\.$/m);
  assert.equal((await fleetmint("template", "lint", "--file", fixture.file("good.json", "{}"))).code, 0);
});

test("template explain shows the plan, or the refusal with 1", async () => {
  const granted = await fleetmint("template", "explain", "factory", "--parameter", "SerialNumber=SN=1");
  assert.equal(granted.code, 0);
  assert.match(granted.out, /thing +sensor-SN=1/);
  assert.match(granted.out, /! The policy allows every topic/);
  const refused = await fleetmint("template", "explain", "factory");
  assert.equal(refused.code, 1);
  assert.match(refused.out, /✗ parameters +SerialNumber is missing/);
  assert.match(refused.out, /It would be refused: parameter_missing/);
});

test("a file of parameters is read, and one that is no map of texts is wrong usage", async () => {
  const good = fixture.file("sent.json", '{"SerialNumber":"SN-2"}');
  assert.match((await fleetmint("template", "explain", "factory", "--parameters", good)).out, /sensor-SN-2/);
  for (const content of ["[]", '{"a":1}', "null", "{"]) {
    const result = await fleetmint(
      "template",
      "explain",
      "factory",
      "--parameters",
      fixture.file("bad-sent.json", content),
    );
    assert.equal(result.code, 2, content);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { OPERATION_NAMES, type Operation, operations, problem } from "@fleetmint/wire/v1";
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import { FAULT_CODES } from "../../vocabulary/faults.ts";
import { createAdminApi } from "./admin-api.ts";
import { FAULT_STATUS } from "./fault-status.ts";
import { exampleRequest } from "./testing/example-requests.ts";
import { type FixedWorld, fixedWorld, PRIVATE_KEY_PEM } from "./testing/fixed-world.ts";
import { testTlsIdentity } from "./testing/tls-identity.ts";

const tls = await testTlsIdentity();

function start() {
  const world = fixedWorld();
  return { world, api: createAdminApi(world.ports, { tls }) };
}

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly raw?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  readonly headers?: Record<string, string>;
}

/** Asks as the owner. */
async function ask(path: string, sent: Sent = {}, started = start()) {
  const body = sent.raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
  const request = new Request(new URL(path, "https://server.example"), {
    method: sent.method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      authorization: `Bearer ${started.world.token}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...sent.headers,
    },
    ...(body !== undefined && { body, duplex: "half" }),
  } as RequestInit);
  const response = await started.api.fetch(request);
  return { status: response.status, headers: response.headers, text: await response.text(), world: started.world };
}

/** Asks and insists on problem details of this code. */
async function refused(
  path: string,
  sent: Sent,
  code: string,
  started?: { world: FixedWorld; api: ReturnType<typeof createAdminApi> },
) {
  const answer = await ask(path, sent, started ?? start());
  assert.equal(answer.headers.get("content-type"), "application/problem+json", answer.text);
  const details = problem.parse(JSON.parse(answer.text));
  assert.equal(details.code, code, details.detail);
  assert.equal(details.status, answer.status);
  return details;
}

for (const name of OPERATION_NAMES) {
  const operation: Operation = operations[name];

  test(`${name} does what the owner asks and answers in its documented shape`, async () => {
    const { world, api } = start();
    const response = await api.fetch(exampleRequest(name, world.token));
    const text = await response.text();
    assert.equal(response.status, operation.status ?? 200, text);
    const values = operation.lines === true ? text.trimEnd().split("\n") : [text];
    for (const value of values) operation.response.parse(JSON.parse(value));
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  });

  test(`${name} is refused to a stranger and to a role that may not, before anything is asked of the domain`, async () => {
    const { world, api } = start();
    for (const [token, status, code] of [
      [undefined, 401, "unauthenticated"],
      [`fmt_${"x".repeat(43)}`, 401, "unauthenticated"],
      [world.strangeToken, 403, "forbidden"],
    ] as const) {
      const response = await api.fetch(exampleRequest(name, token));
      assert.equal(response.status, status);
      assert.equal(problem.parse(await response.json()).code, code);
    }
    assert.deepEqual(world.calls, []);
  });

  test(`${name} names only reason codes that exist`, () => {
    for (const code of operation.errors) assert.ok((FAULT_CODES as readonly string[]).includes(code), code);
  });
}

test("a 401 names the scheme and repeats nothing of the token", async () => {
  const headers = { authorization: `Bearer fmt_${"canary".repeat(7)}a` };
  const answer = await ask("/v1/things", { headers });
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
  assert.doesNotMatch(answer.text, /canary/);
});

test("health and readiness need no credential, and readiness tells", async () => {
  const { world } = start();
  const api = createAdminApi({ ...world.ports, isReady: () => false }, { tls });
  assert.equal((await api.fetch(new Request("https://server.example/healthz"))).status, 200);
  assert.equal((await api.fetch(new Request("https://server.example/readyz"))).status, 503);
  assert.equal((await start().api.fetch(new Request("https://server.example/readyz"))).status, 200);
});

for (const [what, path, sent, place] of [
  ["a page that is too large", "/v1/things?limit=251", {}, /^query\.limit: .*250/],
  ["a limit that is no number", "/v1/things?limit=ten", {}, /^query\.limit: /],
  ["a query field that does not exist", "/v1/things?grup=x", {}, /^query: there is no field "grup"/],
  ["a query field given twice", "/v1/things?limit=1&limit=2", {}, /^query\.limit: is given twice/],
  ["a query where there is none", "/v1/claims?limit=1", {}, /^query: there is no field "limit"/],
  ["a name with a wild card", "/v1/things/a*b", {}, /^path\.thingName: must be 1–128/],
  ["a name with an escaped slash", "/v1/things/a%2Fb", {}, /^path\.thingName: /],
  ["a certificate id in upper case", `/v1/certificates/${"A".repeat(64)}`, {}, /^path\.certificateId: .*lower-case/],
  ["a reason code that does not exist", "/v1/attempts?reason=bad_luck", {}, /^query\.reason: "bad_luck"/],
  ["a missing field", "/v1/groups", { body: {} }, /^body\.groupName: is missing/],
  ["a field of the wrong type", "/v1/groups", { body: { groupName: 7 } }, /^body\.groupName: .*string/],
  ["an unknown field", "/v1/groups", { body: { groupName: "a", color: "red" } }, /^body: there is no field "color"/],
  ["a list instead of an object", "/v1/groups", { body: [] }, /^body: .*object/],
  ["null instead of an object", "/v1/groups", { body: null }, /^body: .*object/],
  ["a body that is no JSON", "/v1/groups", { raw: '{"groupName":' }, /^body: is not JSON/],
  ["a body that is no UTF-8", "/v1/groups", { raw: new Uint8Array([0x22, 0xff, 0x22]) }, /^body: is not UTF-8/],
  ["an empty body", "/v1/groups", { raw: "" }, /^body: is not JSON/],
  [
    "a kind that does not exist",
    "/v1/claims",
    { body: { templates: ["a"], key: { kind: "magic" }, guard: { kind: "hook" } } },
    /^body\.key\.kind: names no known kind/,
  ],
  [
    "a claim without a guard",
    "/v1/claims",
    { body: { templates: ["a"], key: { kind: "plain" } } },
    /^body\.guard: is missing/,
  ],
  [
    "a network that is none",
    "/v1/claims",
    { body: { templates: ["a"], key: { kind: "plain" }, guard: { kind: "hook" }, networks: ["home"] } },
    /^body\.networks\.0: must be a network/,
  ],
  [
    "a quota of zero",
    "/v1/claims",
    { body: { templates: ["a"], key: { kind: "plain" }, guard: { kind: "hook" }, maxDevices: 0 } },
    /^body\.maxDevices: /,
  ],
  [
    "a wild card as serial number",
    "/v1/claims",
    { body: { templates: ["a"], key: { kind: "plain" }, guard: { kind: "serials", serials: ["*"] } } },
    /^body\.guard\.serials\.0: must not contain/,
  ],
  [
    "a recipient whose checksum fails",
    "/v1/claims",
    {
      body: {
        templates: ["a"],
        key: { kind: "recipient", recipient: `age1${"q".repeat(58)}` },
        guard: { kind: "hook" },
      },
    },
    /^body\.key\.recipient: /,
  ],
  ["a relative backup path", "/v1/backup", { body: { path: "here.backup" } }, /^body\.path: must be an absolute path/],
] as const satisfies readonly (readonly [string, string, Sent, RegExp])[]) {
  test(`${what} is refused, naming the place, and nothing is done`, async () => {
    const started = start();
    const details = await refused(path, sent, "request_invalid", started);
    assert.equal(details.status, 400);
    assert.match(details.detail, place);
    assert.deepEqual(started.world.calls, []);
  });
}

test("a policy with a mistake is refused with the place and not stored", async () => {
  const started = start();
  const document = '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"iot:Connect","Resource":"*"}]}';
  const details = await refused("/v1/policies/p", { method: "PUT", body: { document } }, "policy_invalid", started);
  assert.match(details.detail, /Effect/);
  assert.deepEqual(started.world.calls, []);
});

test("a body must say that it is JSON", async () => {
  const details = await refused(
    "/v1/groups",
    { raw: "groupName=a", headers: { "content-type": "text/plain" } },
    "request_invalid",
  );
  assert.equal(details.status, 415);
});

test("a body that announces too much is refused unread, and one that hides its length when it passes the limit", async () => {
  const announced = { raw: "{}", headers: { "content-length": String(LIMITS.adminBodyBytes + 1) } };
  assert.equal((await refused("/v1/groups", announced, "request_invalid")).status, 413);
  let pulled = 0;
  const long = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 2 ** 20;
      if (pulled > 4 * LIMITS.adminBodyBytes) return controller.close();
      controller.enqueue(new Uint8Array(2 ** 20));
    },
  });
  assert.equal((await refused("/v1/groups", { raw: long }, "request_invalid")).status, 413);
  assert.ok(pulled <= LIMITS.adminBodyBytes + 4 * 2 ** 20, `read ${pulled} bytes`);
});

test("a route that does not exist is a 404 to the owner and a 401 to a stranger", async () => {
  const details = await refused("/v1/nothing", {}, "not_found");
  assert.match(details.detail, /GET \/v1\/nothing/);
  const response = await start().api.fetch(new Request("https://server.example/v1/nothing"));
  assert.equal(response.status, 401);
});

test("a method that a path does not know is a 405 that names those it does", async () => {
  const answer = await ask("/v1/things/sensor-1", { method: "DELETE" });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("allow"), "GET");
});

for (const [what, path] of [
  ["thing", "/v1/things/nobody"],
  ["claim", "/v1/claims/nobody"],
  ["claim", "/v1/claims/nobody/devices"],
  ["claim", "/v1/claims/nobody/audit"],
  ["template", "/v1/templates/nobody"],
  ["policy", "/v1/policies/nobody"],
  ["attempt", "/v1/attempts/nobody"],
] as const) {
  test(`a ${what} that does not exist is named: GET ${path}`, async () => {
    assert.match((await refused(path, {}, "not_found")).detail, new RegExp(`no ${what} "?nobody`));
  });
}

for (const code of FAULT_CODES.filter((known) => known !== "internal_error")) {
  test(`the fault ${code} becomes ${FAULT_STATUS[code]} with its own sentence and remedy`, async () => {
    const started = start();
    started.world.fail = new Fault(code, "A sentence of its own.");
    const details = await refused("/v1/claims/claim-1/resume", { method: "POST" }, code, started);
    assert.equal(details.status, FAULT_STATUS[code]);
    assert.equal(details.detail, "A sentence of its own.");
    assert.equal(details.remedy, new Fault(code).remedy);
  });
}

test("a bug stays private: the caller gets an id under which the log has the details", async () => {
  const started = start();
  started.world.fail = new TypeError("canary-internal: cannot read properties of undefined");
  const details = await refused("/v1/claims/claim-1/resume", { method: "POST" }, "internal_error", started);
  assert.equal(details.status, 500);
  assert.doesNotMatch(JSON.stringify(details), /canary|undefined|TypeError/);
  const id = details.instance?.replace("urn:fleetmint:error:", "") ?? "";
  assert.match(id, /^err-/);
  assert.match(started.world.logged.join(), new RegExp(`${id}.*canary-internal`));
});

test("a secret in a refused request comes back in no error and no log", async () => {
  const secret = "canary-secret-value";
  const started = start();
  for (const [path, body] of [
    ["/v1/claims", { templates: ["a"], guard: { kind: "hook" }, key: { kind: "recipient", recipient: secret } }],
    ["/v1/claims", { templates: ["a"], guard: { kind: "hook" }, key: { kind: "csr", csrPem: { pem: secret } } }],
    ["/v1/claims", { templates: [secret.repeat(9)], guard: { kind: secret }, key: secret }],
    ["/v1/templates/a/explain", { parameters: { Token: [secret] } }],
    ["/v1/lint-template", { body: [secret] }],
  ] as const) {
    const answer = await ask(path, { body }, started);
    assert.equal(answer.status, 400, path);
    assert.doesNotMatch(answer.text, /canary/);
  }
  const broken = await ask("/v1/claims", { raw: `{"key":"${secret}"` }, started);
  assert.doesNotMatch(broken.text, /canary/);
  assert.doesNotMatch(started.world.logged.join(), /canary/);
});

test("a field name from the caller is bounded and cannot forge a line", async () => {
  const details = await refused(
    "/v1/groups",
    { body: { groupName: "a", [`x\n${"y".repeat(5000)}`]: 1 } },
    "request_invalid",
  );
  assert.ok(details.detail.length < 200);
  assert.doesNotMatch(details.detail, /\n/);
});

test("a template's hook shows where it is, without secret, credentials or query", async () => {
  const { text } = await ask("/v1/templates/factory");
  assert.match(text, /"target":"https:\/\/hooks\.example\/ask"/);
  assert.doesNotMatch(text, /canary/);
});

test("a plain key leaves with the answer; a factory's request gets no key", async () => {
  const guard = { kind: "any-device" };
  const plain = await ask("/v1/claims", { body: { templates: ["factory"], guard, key: { kind: "plain" } } });
  assert.equal(JSON.parse(plain.text).privateKeyPem, PRIVATE_KEY_PEM);
  const own = await ask("/v1/claims", { body: { templates: ["factory"], guard, key: { kind: "csr", csrPem: "PEM" } } });
  assert.equal(JSON.parse(own.text).privateKeyPem, null);
  assert.match(JSON.stringify(own.world.calls), /"csrPem":"PEM"/);
});

test("a key for a recipient leaves sealed, and only the recipient opens it", async () => {
  const identity = await generateX25519Identity();
  const key = { kind: "recipient", recipient: await identityToRecipient(identity) };
  const { text } = await ask("/v1/claims", { body: { templates: ["factory"], guard: { kind: "any-device" }, key } });
  const answer = JSON.parse(text);
  assert.equal(answer.privateKeyPem, null);
  assert.doesNotMatch(text, /BEGIN PRIVATE KEY/);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  assert.equal(await decrypter.decrypt(armor.decode(answer.sealedPrivateKey), "text"), PRIVATE_KEY_PEM);
});

test("a claim's request reaches the domain in its units, with who asked", async () => {
  const body = {
    templates: ["factory"],
    guard: { kind: "any-device" },
    key: { kind: "plain" },
    validForSeconds: 3600,
    notBefore: "2026-02-01T00:00:00Z",
  };
  const { world } = await ask("/v1/claims", { body });
  const [request, actor] = world.calls[0]![1] as [Record<string, unknown>, unknown];
  assert.equal(request["validForMs"], 3_600_000);
  assert.equal(request["notBeforeMs"], Date.UTC(2026, 1, 1));
  assert.deepEqual(actor, { kind: "account", accountId: "acc-1" });
});

test("what changes the registry carries its audit entry", async () => {
  const { world } = await ask("/v1/things/sensor-1/retire", { method: "POST" });
  assert.deepEqual(world.calls, [
    [
      "retireThing",
      {
        name: "sensor-1",
        audit: {
          event: "thing.retired",
          actor: "account:acc-1",
          subject: "sensor-1",
          atMs: world.ports.clock.now(),
          detail: {},
        },
      },
    ],
  ]);
});

test("pages join without gap or repetition", async () => {
  const first = JSON.parse((await ask("/v1/things?limit=1")).text);
  const second = JSON.parse((await ask(`/v1/things?limit=1&cursor=${first.next}`)).text);
  assert.deepEqual(
    [...first.items, ...second.items].map(({ thingName }) => thingName),
    ["sensor-1", "sensor-2"],
  );
  assert.equal(second.next, null);
});

test("serial numbers cannot be added to a claim without a list", async () => {
  const { world } = start();
  const claim = await world.ports.claimStore.claim("claim-1" as never);
  const claimStore = { ...world.ports.claimStore, claim: async () => ({ ...claim!, guard: "hook" as const }) };
  const api = createAdminApi({ ...world.ports, claimStore }, { tls });
  const sent = { body: { serials: ["SN-9"] } };
  const details = await refused("/v1/claims/claim-1/expected-devices", sent, "conflict", { world, api });
  assert.match(details.detail, /guard is "hook"/);
});

test("an export that breaks off ends in an error, not in a complete-looking file", async () => {
  const { world } = start();
  async function* broken() {
    yield "{}";
    throw new Error("disk gone");
  }
  const api = createAdminApi({ ...world.ports, auditExport: { stream: broken } }, { tls });
  const response = await api.fetch(exampleRequest("exportAudit", world.token));
  await assert.rejects(response.text());
});

test("the doctor's warnings do not fail, its errors do", async () => {
  const { world } = start();
  const doctor = (checks: object[]) => ({ check: async () => ({ checks: checks as never }) });
  const ask = async (checks: object[]) => {
    const api = createAdminApi({ ...world.ports, doctor: doctor(checks) }, { tls });
    return (await (await api.fetch(exampleRequest("doctor", world.token))).json()) as { ok: boolean };
  };
  const warning = { name: "a", ok: false, warning: true, message: "m" };
  assert.equal((await ask([warning])).ok, true);
  assert.equal((await ask([warning, { name: "b", ok: false, message: "m" }])).ok, false);
});

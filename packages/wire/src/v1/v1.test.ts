import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { OPERATION_NAMES, type Operation, operations } from "./index.ts";

const all: readonly (readonly [string, Operation])[] = OPERATION_NAMES.map((name) => [name, operations[name]]);

function fields(schema: z.ZodObject | undefined): string[] {
  return Object.keys(schema?.shape ?? {});
}

test("every operation's path parameters are exactly those its schema describes", () => {
  for (const [name, operation] of all) {
    const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    assert.deepEqual(inPath, fields(operation.params), name);
  }
});

test("path, query and body fields never share a name, so that a client can take them side by side", () => {
  for (const [name, operation] of all) {
    const names = [...fields(operation.params), ...fields(operation.query), ...fields(operation.body)];
    assert.equal(new Set(names).size, names.length, name);
  }
});

test("no two operations share method and path", () => {
  const routes = all.map(([, { method, path }]) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`);
  assert.equal(new Set(routes).size, routes.length);
});

test("GET and DELETE take no body", () => {
  for (const [name, { method, body }] of all) {
    if (method === "GET" || method === "DELETE") assert.equal(body, undefined, name);
  }
});

test("every operation has a summary of one line without a full stop and a description in sentences", () => {
  for (const [name, { summary, description }] of all) {
    assert.match(summary, /^[A-Z][^\n]{5,110}[^.\n]$/, name);
    assert.match(description, /\.$/, name);
  }
});

test("every schema becomes JSON Schema 2020-12", () => {
  for (const [name, { params, query, body, response }] of all) {
    for (const schema of [params, query, body]) {
      if (schema === undefined) continue;
      assert.equal(
        z.toJSONSchema(schema, { io: "input" })["additionalProperties"],
        false,
        `${name} refuses unknown fields`,
      );
    }
    assert.doesNotThrow(() => z.toJSONSchema(response), name);
  }
});

test("a request with an unknown field is refused by the field's name", () => {
  const result = operations.applyPolicy.body.safeParse({ document: "{}", docment: "{}" });
  assert.match(result.error?.issues[0]?.message ?? "", /docment/);
});

test("a claim gets a finite quota and validity unless told", () => {
  const request = operations.createClaim.body.parse({
    templates: ["factory"],
    guard: { kind: "any-device" },
    key: { kind: "plain" },
  });
  assert.equal(request.maxDevices, 1000);
  assert.equal(request.validForSeconds, 90 * 24 * 3600);
});

test("a claim without a guard is not a valid request", () => {
  const result = operations.createClaim.body.safeParse({ templates: ["factory"], key: { kind: "plain" } });
  assert.deepEqual(result.error?.issues[0]?.path, ["guard"]);
});

for (const serial of ["*", "a?b", "$x", "{x}", "a+b", "a#b", "a/b", "a\nb", "", "x".repeat(129)]) {
  test(`the serial number ${JSON.stringify(serial.slice(0, 8))} is refused in a list`, () => {
    assert.equal(operations.expectDevices.body.safeParse({ serials: [serial] }).success, false);
  });
}

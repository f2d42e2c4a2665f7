import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { awsTopics, decodePayload, encodePayload, fleetmintTopics, PayloadError, parseRequestTopic } from "../index.ts";

test("every request topic parses back to its operation, and no answer topic does", () => {
  for (const format of ["json", "cbor"] as const) {
    assert.deepEqual(parseRequestTopic(awsTopics.createKeys(format).request), { kind: "create-keys", format });
    assert.deepEqual(parseRequestTopic(awsTopics.createFromCsr(format).request), { kind: "create-from-csr", format });
    assert.deepEqual(parseRequestTopic(fleetmintTopics.renew(format).request), { kind: "renew", format });
    const register = awsTopics.registerThing("camera", format);
    assert.deepEqual(parseRequestTopic(register.request), { kind: "register-thing", templateName: "camera", format });
    assert.equal(parseRequestTopic(register.accepted), undefined);
    assert.equal(parseRequestTopic(register.rejected), undefined);
  }
  for (const other of [
    "",
    "$aws",
    "$aws/certificates/create/xml",
    "$aws/provisioning-templates//provision/json",
    "a/json",
  ]) {
    assert.equal(parseRequestTopic(other), undefined, other);
  }
});

test("payloads survive the trip in JSON and CBOR", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        fc.string(),
      ),
      (parameters) => {
        for (const format of ["json", "cbor"] as const) {
          assert.deepEqual(
            { ...decodePayload(format, encodePayload(format, { parameters })) },
            { parameters: { ...parameters } },
          );
        }
      },
    ),
  );
});

test("CBOR is written as plain maps with definite lengths, which small C decoders need", () => {
  assert.equal(Buffer.from(encodePayload("cbor", { a: "b" })).toString("hex"), "a161616162");
});

test("an empty payload is an empty request", () => {
  assert.deepEqual(decodePayload("json", new Uint8Array()), {});
  assert.deepEqual(decodePayload("cbor", new Uint8Array()), {});
});

test("bytes that are not one map are refused with a sentence, never with a crash", () => {
  const nested = Buffer.alloc(16_000, 0x81);
  nested.set([0xa1, 0x61, 0x61]);
  const bad: [format: "json" | "cbor", bytes: Uint8Array][] = [
    ["json", Buffer.from("[]")],
    ["json", Buffer.from("null")],
    ["json", Buffer.from('{"a":1}x')],
    ["json", Buffer.from([0x7b, 0xff, 0x7d])],
    ["json", Buffer.from('{"__proto__":{}}')],
    ["json", Buffer.from('{"a":'.repeat(3000))],
    ["cbor", Buffer.from("a2616100616101", "hex")],
    ["cbor", Buffer.from("bf616100ff", "hex")],
    ["cbor", Buffer.from("a1616100ff", "hex")],
    ["cbor", nested],
  ];
  for (const [format, bytes] of bad) assert.throws(() => decodePayload(format, bytes), PayloadError);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom("json" as const, "cbor" as const),
      (bytes, format) => {
        try {
          decodePayload(format, bytes);
        } catch (error) {
          assert.ok(error instanceof PayloadError);
        }
      },
    ),
  );
});

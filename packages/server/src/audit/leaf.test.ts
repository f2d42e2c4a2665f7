import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { canonicalJson, entryBody, leafHash } from "./leaf.ts";

describe("an audit entry", () => {
  it("has one text, whatever the order of its members", () => {
    const event = {
      event: "thing.created",
      actor: "system",
      subject: "lamp",
      atMs: 1,
      detail: { b: 2, a: [undefined, { d: 1, c: "é" }], x: undefined },
    };
    const text =
      '{"actor":"system","atMs":1,"detail":{"a":[null,{"c":"é","d":1}],"b":2},"event":"thing.created","subject":"lamp"}';
    assert.equal(entryBody(event), text);
    assert.equal(entryBody(JSON.parse(text)), text);
  });

  it("is hashed as a leaf: SHA-256 of a zero byte and its text in UTF-8", () => {
    const expected = createHash("sha256")
      .update(Buffer.from([0]))
      .update("é")
      .digest("hex");
    assert.equal(leafHash("é"), expected);
  });

  it("keeps text that is not well-formed apart from its replacement", () => {
    assert.notEqual(canonicalJson("\ud800"), canonicalJson("\ufffd"));
    assert.equal(canonicalJson(undefined), "null");
  });
});

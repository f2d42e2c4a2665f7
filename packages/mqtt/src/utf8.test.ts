import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MqttProtocolError } from "./protocol-error.ts";
import { decodeUtf8, isCleanText } from "./utf8.ts";

function decode(bytes: Buffer): string {
  return decodeUtf8(bytes, 0, bytes.length);
}

test("clean text of any script reads back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }).filter(isCleanText), (text) => {
      assert.equal(decode(Buffer.from(text)), text);
    }),
  );
});

test("a leading U+FEFF is kept", () => {
  assert.equal(decode(Buffer.from("\ufeffa")), "\ufeffa");
});

test("control characters and non-characters are refused, their neighbours are not", () => {
  for (const bad of [0x00, 0x01, 0x1f, 0x7f, 0x80, 0x9f, 0xfdd0, 0xfdef, 0xfffe, 0xffff, 0x1fffe, 0x10ffff]) {
    assert.throws(() => decode(Buffer.from(`a${String.fromCodePoint(bad)}`)), MqttProtocolError, bad.toString(16));
  }
  for (const good of [0x20, 0x7e, 0xa0, 0xfdcf, 0xfdf0, 0xfffd, 0x10000, 0x10fffd]) {
    assert.equal(decode(Buffer.from(String.fromCodePoint(good))), String.fromCodePoint(good));
  }
});

test("surrogates, overlong forms and truncated sequences are refused", () => {
  for (const hex of ["eda080", "edbfbf", "c080", "e08080", "f4908080", "c3", "80", "ff"]) {
    assert.throws(() => decode(Buffer.from(hex, "hex")), MqttProtocolError, hex);
  }
});

test("text with a lone surrogate is not clean", () => {
  assert.equal(isCleanText("a\ud800"), false);
});

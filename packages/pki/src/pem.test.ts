import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pemDecode, pemDecodeAll, pemEncode } from "./pem.ts";

const LABEL = "CERTIFICATE";

test("every byte string comes back as it went in", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
      const text = pemEncode(bytes, LABEL);
      for (const line of text.split("\n")) assert.equal(line.length <= 64, true);
      assert.deepEqual([...pemDecode(text, LABEL)], [...bytes]);
      assert.deepEqual([...pemDecode(text.replaceAll("\n", "\r\n"), LABEL)], [...bytes]);
    }),
  );
});

test("what is not one block of canonical base64 is refused with the label", () => {
  const good = pemEncode(Uint8Array.of(1, 2, 3, 4), LABEL);
  const wrong = [
    "",
    "AQIDBA==",
    good.replace("AQIDBA==", ""),
    good.replace("AQIDBA==", "AQIDBA="),
    good.replace("AQIDBA==", "AQIDBB=="),
    good.replace("AQIDBA==", "AQIDBA==AQ=="),
    good.replace("-----BEGIN", "----BEGIN"),
    good.replace("END CERTIFICATE", "END X509 CRL"),
    good.replace("\n", " "),
    `prose\n${good}`,
    `${good}prose`,
    good + good,
  ];
  for (const text of wrong) {
    assert.throws(() => pemDecode(text, LABEL), { code: "pem_malformed", message: /CERTIFICATE/ }, text);
  }
});

test("a refusal carries the code that the caller chose, and limits hold before any work", () => {
  assert.throws(() => pemDecode("x", LABEL, { code: "csr_malformed" }), { code: "csr_malformed" });
  assert.throws(() => pemDecode("x".repeat(1 << 20), LABEL), { message: /at most 65536/ });
  assert.throws(() => pemDecode("x".repeat(11), LABEL, { maxCharacters: 10 }), { message: /at most 10/ });
});

test("a hostile text is refused in time that grows with its length only", () => {
  const before = performance.now();
  for (const body of ["A".repeat(60_000), "\n".repeat(60_000), "-----".repeat(12_000), "A\r\n".repeat(20_000)]) {
    assert.throws(() => pemDecode(`-----BEGIN ${LABEL}-----\n${body}`, LABEL), { code: "pem_malformed" });
  }
  assert.equal(performance.now() - before < 1000, true);
});

test("a bundle gives its blocks in order and skips what programs print between them", () => {
  const bundle = `first\n${pemEncode(Uint8Array.of(1), LABEL)}\nsecond\n${pemEncode(Uint8Array.of(2), LABEL)}`;
  assert.deepEqual(
    pemDecodeAll(bundle, LABEL).map((block) => block[0]),
    [1, 2],
  );
  assert.deepEqual(pemDecodeAll("", LABEL), []);
  assert.throws(() => pemDecodeAll(bundle.slice(0, -30), LABEL), { code: "pem_malformed" });
  assert.throws(() => pemDecodeAll(bundle, LABEL, { maxBlocks: 1 }), { message: /too many/ });
});

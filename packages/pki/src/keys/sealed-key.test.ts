import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { random } from "../../test/example-ca.ts";
import { PkiError } from "../pki-error.ts";
import { generateEcKey } from "./generate-ec-key.ts";
import { openKey, openPrivateKey, sealKey } from "./sealed-key.ts";

const { privateKey } = generateEcKey();
const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
const secret = { keyBytes: randomBytes(32) };
const sealed = sealKey(pkcs8, secret, random);

test("a key sealed with a passphrase opens with it, however its characters are composed", () => {
  const text = sealKey(pkcs8, "Schlüssel", random);
  assert.deepEqual([...openKey(text, "Schlu\u0308ssel")], [...pkcs8]);
  assert.throws(() => openKey(text, "schlüssel"), { code: "passphrase_wrong", message: /passphrase does not open/ });
});

test("a key sealed with a key file opens with it and with no other", () => {
  assert.equal(openPrivateKey(sealed, secret).equals(privateKey), true);
  const other = { keyBytes: randomBytes(32) };
  assert.throws(() => openKey(sealed, other), { code: "passphrase_wrong", message: /key file does not open/ });
  assert.throws(() => openKey(sealed, "a passphrase"), { code: "passphrase_wrong", message: /needs its key file/ });
});

test("the text holds neither key nor secret, and two seals of one key differ", () => {
  assert.notEqual(sealKey(pkcs8, secret, random), sealed);
  for (const form of ["hex", "base64", "latin1"] as const) {
    assert.equal(sealed.includes(pkcs8.subarray(30, 60).toString(form)), false);
    assert.equal(sealed.includes(secret.keyBytes.toString(form)), false);
  }
});

test("every change of the text is refused", () => {
  for (let at = 0; at < sealed.length; at++) {
    const changed = `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
    assert.throws(() => openKey(changed, secret), PkiError, `character ${at}`);
  }
});

test("a text that is no envelope is refused by what is wrong with it", () => {
  const envelope = JSON.parse(sealed) as Record<string, unknown>;
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["", /JSON/],
    ["null", /JSON/],
    ["[]", /format/],
    [JSON.stringify({ ...envelope, version: 2 }), /version 2/],
    [JSON.stringify({ ...envelope, kdf: "md5" }), /kdf/],
    [JSON.stringify({ ...envelope, cipher: "none" }), /cipher/],
    [JSON.stringify({ ...envelope, salt: 7 }), /salt/],
    [JSON.stringify({ ...envelope, nonce: "AAAA" }), /nonce/],
    [JSON.stringify({ ...envelope, sealed: "AAAA" }), /short/],
    ["x".repeat(65537), /65536/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => openKey(text, secret), { code: "sealed_key_malformed", message }, text.slice(0, 80));
  }
});

test("an empty passphrase and a key file of another size are refused", () => {
  assert.throws(() => sealKey(pkcs8, "", random), { code: "request_invalid" });
  assert.throws(() => sealKey(pkcs8, { keyBytes: randomBytes(31) }, random), { message: /32 bytes, not 31/ });
});

test("an envelope around something else than a key is told apart from a wrong secret", () => {
  const text = sealKey(Uint8Array.of(1, 2, 3), secret, random);
  assert.throws(() => openPrivateKey(text, secret), { code: "sealed_key_malformed", message: /holds no PKCS#8/ });
});

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { test } from "node:test";
import { checkPublicKey } from "./check-public-key.ts";
import { generateEcKey } from "./generate-ec-key.ts";

test("the PEM, the key object and the public key belong together, and every key is another", () => {
  const fingerprints = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const { privateKeyPem, privateKey, spki } = generateEcKey();
    assert.equal(createPrivateKey(privateKeyPem).equals(privateKey), true);
    const expected = createPublicKey(privateKey).export({ format: "der", type: "spki" });
    assert.deepEqual([...spki], [...expected]);
    fingerprints.add(checkPublicKey(spki).fingerprint);
  }
  assert.equal(fingerprints.size, 50);
});

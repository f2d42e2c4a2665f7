import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { asBuffer } from "../bytes.ts";
import { PkiError } from "../pki-error.ts";
import { explainKeyRefusal } from "./explain-key-refusal.ts";
import { checkRsaModulus } from "./rsa-weakness.ts";
import { type KeyAlgorithm, keyForm } from "./spki.ts";

/** A public key that passed the key policy, imported once. */
export interface KeyInfo {
  readonly algorithm: KeyAlgorithm;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly fingerprint: string;
  readonly spki: Uint8Array;
  readonly keyObject: KeyObject;
}

export interface KeyPolicy {
  /** True for keys that must never be certified: published, stolen, or revoked for compromise. */
  isBlocked?(fingerprint: string): boolean;
}

/**
 * The key policy of a public CA (Boulder's goodkey, SP 800-56A §5.6.2.3): EC P-256, P-384, P-521 by name and with a
 * point on the curve; RSA 2048, 3072, 4096 with e = 65537 and a modulus that no known shortcut factors.
 * @example
 * const { spki } = generateEcKey();
 * assert.equal(checkPublicKey(spki).algorithm, "ec-p256");
 */
export function checkPublicKey(spki: Uint8Array, policy: KeyPolicy = {}): KeyInfo {
  const form = keyForm(spki);
  if (form === undefined) explainKeyRefusal(spki);
  const fingerprint = hash("sha256", spki, "hex");
  if (policy.isBlocked?.(fingerprint) === true) {
    throw new PkiError("key_weak", `The public key ${fingerprint} is on the list of blocked keys; generate a new one.`);
  }
  if (form.modulus !== undefined) checkRsaModulus(form.modulus);
  return { algorithm: form.algorithm, fingerprint, spki, keyObject: importKey(spki, form.algorithm) };
}

/** OpenSSL refuses a point that is not on its curve, and coordinates beyond the field; the curves have cofactor 1. */
function importKey(spki: Uint8Array, algorithm: KeyAlgorithm): KeyObject {
  try {
    return createPublicKey({ key: asBuffer(spki), format: "der", type: "spki" });
  } catch (cause) {
    const problem = algorithm.startsWith("ec-") ? "is not a point on its curve" : "cannot be used by OpenSSL";
    throw new PkiError("key_weak", `The ${algorithm} public key ${problem}; generate a new key.`, { cause });
  }
}

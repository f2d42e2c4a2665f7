import { verify } from "node:crypto";
import { checkPublicKey, type KeyInfo, type KeyPolicy } from "../keys/check-public-key.ts";
import { PkiError } from "../pki-error.ts";
import { describeAlgorithm, hasProperParameters, SIGNATURE_ALGORITHMS } from "../signature-algorithm.ts";
import type { Csr } from "./parse-csr.ts";

/**
 * Checks the key against the policy and the proof of possession (RFC 2986 §3): the request is signed by the key it names.
 * @example
 * const { pem } = await buildCsr({ subject: {} }, fileSigner(generateEcKey().privateKey));
 * assert.equal(verifyCsr(parseCsr(pem)).algorithm, "ec-p256");
 */
export function verifyCsr(csr: Csr, policy: KeyPolicy = {}): KeyInfo {
  // The key first: whoever sent Ed25519 is helped by a word about the key, not about the signature that goes with it.
  const key = checkPublicKey(csr.spki, policy);
  const { name, oid } = csr.signatureAlgorithm;
  if (name === undefined || !hasProperParameters(csr.signatureAlgorithm)) {
    const found = name === undefined ? describeAlgorithm(oid) : `${name} with unfitting parameters`;
    throw invalid(`The CSR is signed with ${found}; sign it with SHA-256 and ECDSA or RSA (PKCS #1 v1.5)`);
  }
  const { family, digest } = SIGNATURE_ALGORITHMS[name];
  if (!key.algorithm.startsWith(family))
    throw invalid(`The CSR names an ${key.algorithm} key but is signed with ${name}`);
  if (!verify(digest, csr.info, key.keyObject, csr.signature)) {
    throw invalid("The CSR's signature was not made by the key it names; sign it with the device's own private key");
  }
  return key;
}

function invalid(problem: string): PkiError {
  return new PkiError("csr_signature_invalid", `${problem}.`);
}

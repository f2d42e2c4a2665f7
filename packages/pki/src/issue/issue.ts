import { sameBytes } from "../bytes.ts";
import { certificateId } from "../certificate/parse-certificate.ts";
import { checkEcdsaSignature } from "../keys/ecdsa-signature.ts";
import type { Signer, SyncSigner } from "../keys/signer.ts";
import { pemEncode } from "../pem.ts";
import { PkiError } from "../pki-error.ts";
import type { Issuer } from "./issuer.ts";
import { type Prepared, spend } from "./prepared.ts";
import { assembleCertificate } from "./template.ts";

/** A signed certificate. */
export interface Issued {
  readonly der: Uint8Array;
  /** Lower-case SHA-256 of the DER. */
  readonly certificateId: string;
  readonly pem: string;
}

/**
 * Signs a prepared body. The proof is spent before the key is used: whatever the signer does, there is no second try.
 * @example
 * const { issuer, signer } = await exampleCa();
 * const publicKey = checkPublicKey(generateEcKey().spki);
 * const prepared = prepare(issuer, "device", { publicKey, subject: { commonName: "A device" }, nowMs: Date.now() });
 * assert.match(issue(prepared, signer).pem, /BEGIN CERTIFICATE/);
 * assert.throws(() => issue(prepared, signer), { code: "prepared_spent" });
 */
export function issue(prepared: Prepared, signer: SyncSigner): Issued;
export function issue(prepared: Prepared, signer: Signer): Issued | Promise<Issued>;
export function issue(prepared: Prepared, signer: Signer): Issued | Promise<Issued> {
  const { tbs, issuer } = spend(prepared);
  if (signer.signatureAlgorithm !== issuer.signatureAlgorithm || !sameBytes(signer.publicKeySpki, issuer.spki)) {
    throw new PkiError("signer_mismatch", "The signer holds another key than the issuer's certificate names.");
  }
  const signature = signer.sign(tbs);
  return signature instanceof Promise
    ? signature.then((octets) => finish(tbs, issuer, octets))
    : finish(tbs, issuer, signature);
}

function finish(tbs: Uint8Array, issuer: Issuer, signature: Uint8Array): Issued {
  if (issuer.signatureAlgorithm !== "rsa-sha256") {
    checkEcdsaSignature(signature, issuer.signatureAlgorithm === "ecdsa-sha256" ? 32 : 48);
  }
  const der = assembleCertificate(tbs, issuer.algorithmDer, signature);
  return { der, certificateId: certificateId(der), pem: pemEncode(der, "CERTIFICATE") };
}

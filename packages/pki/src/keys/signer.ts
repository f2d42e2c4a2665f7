import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { PkiError } from "../pki-error.ts";
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from "../signature-algorithm.ts";

/** A private key that can be used but not seen: in a file, a PKCS#11 token, a TPM or a remote service. */
export interface Signer {
  /** The public half as SubjectPublicKeyInfo. */
  readonly publicKeySpki: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** Signs the exact bytes (hashing included). ECDSA answers are DER (`ecdsaSignatureToDer` converts raw r‖s). */
  sign(tbs: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A signer that answers at once, which spares the hot path a turn of the event loop. */
export interface SyncSigner extends Signer {
  sign(tbs: Uint8Array): Uint8Array;
}

/**
 * A signer over a key that this process holds.
 * @example
 * const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
 * assert.equal(fileSigner(privateKey).signatureAlgorithm, "ecdsa-sha256");
 */
export function fileSigner(privateKey: KeyObject): SyncSigner {
  const signatureAlgorithm = algorithmFor(privateKey);
  const { digest } = SIGNATURE_ALGORITHMS[signatureAlgorithm];
  const publicKeySpki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { publicKeySpki, signatureAlgorithm, sign: (tbs) => sign(digest, tbs, privateKey) };
}

function algorithmFor(key: KeyObject): SignatureAlgorithm {
  if (key.type !== "private") throw new PkiError("request_invalid", "A signer needs a private key.");
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "prime256v1") return "ecdsa-sha256";
  if (curve === "secp384r1") return "ecdsa-sha384";
  if (key.asymmetricKeyType === "rsa") return "rsa-sha256";
  const found = curve ?? key.asymmetricKeyType;
  throw new PkiError("key_algorithm_refused", `A ${found} key cannot sign here; use EC P-256, EC P-384 or RSA.`);
}

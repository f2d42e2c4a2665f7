import { OID, readOid } from "../der/oid.ts";
import { type DerContext, type DerReader, openDer, readInteger, readOctetAlignedBits } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { PkiError } from "../pki-error.ts";
import { describeAlgorithm } from "../signature-algorithm.ts";

const CONTEXT: DerContext = { code: "csr_malformed", what: "The public key (SubjectPublicKeyInfo)" };
const MAX_SPKI_BYTES = 8 * 1024;
const ACCEPTED = "use EC P-256, P-384 or P-521, or RSA of 2048, 3072 or 4096 bits with exponent 65537";

const CURVES: Readonly<Record<string, number>> = {
  [OID.prime256v1]: 32,
  [OID.secp384r1]: 48,
  [OID.secp521r1]: 66,
};

/** Finds out what is wrong with a key that has none of the accepted forms, and says so. Never returns. */
export function explainKeyRefusal(spki: Uint8Array): never {
  const info = openDer(spki, TAG.sequence, CONTEXT, MAX_SPKI_BYTES);
  const algorithm = info.enter(TAG.sequence, "the key's algorithm");
  const oid = readOid(algorithm, "the key's algorithm");
  if (oid === OID.ecPublicKey) explainEc(info, algorithm);
  if (oid === OID.rsaEncryption) explainRsa(info, algorithm);
  throw refused(`Public keys of ${describeAlgorithm(oid)} are not accepted`);
}

function explainEc(info: DerReader, algorithm: DerReader): never {
  if (algorithm.peek() === TAG.sequence) {
    throw refused(
      "The EC public key spells its curve out as explicit parameters instead of naming it (RFC 5480 §2.1.1)",
    );
  }
  const curve = readOid(algorithm, "the curve's name");
  algorithm.finish("the curve's name");
  const coordinate = CURVES[curve];
  if (coordinate === undefined) throw refused(`The EC curve ${curve} is not accepted`);
  const point = readOctetAlignedBits(info, "the EC point");
  info.finish("the EC point");
  if (point[0] === 0) throw weak("The EC public key is the point at infinity");
  if (point[0] !== 4) throw refused("The EC public key is not in the uncompressed form (RFC 5480 §2.2)");
  throw malformed(`The EC public key has ${point.length} octets; its curve takes ${1 + 2 * coordinate}.`);
}

function explainRsa(info: DerReader, algorithm: DerReader): never {
  if (algorithm.peek() !== TAG.null || !isEmpty(algorithm)) {
    throw malformed("The RSA public key's algorithm lacks its NULL parameters (RFC 3279 §2.3.1).");
  }
  algorithm.finish("the key's algorithm");
  const body = readOctetAlignedBits(info, "the RSA key");
  info.finish("the RSA key");
  const key = openDer(body, TAG.sequence, CONTEXT, MAX_SPKI_BYTES);
  const modulus = readInteger(key, "the modulus");
  const exponent = readInteger(key, "the exponent");
  key.finish("the exponent");
  const bits = bitLength(modulus);
  if (bits < 2048) throw weak(`The RSA modulus has ${bits} bits`);
  if (bits !== 2048 && bits !== 3072 && bits !== 4096) throw refused(`RSA keys of ${bits} bits are not accepted`);
  if (Buffer.from(exponent).toString("hex") !== "010001") throw weak("The RSA exponent is not 65537");
  throw malformed("The RSA public key is not encoded as RFC 3279 §2.3.1 asks.");
}

function isEmpty(reader: DerReader): boolean {
  const value = reader.next();
  return value.contentStart === value.end;
}

/** Zero for a modulus that is zero or negative. */
function bitLength(integer: Uint8Array): number {
  const first = integer[0] === 0 ? 1 : 0;
  if (integer[0]! >= 0x80 || integer.length === first) return 0;
  return (integer.length - first) * 8 - Math.clz32(integer[first]!) + 24;
}

function refused(problem: string): PkiError {
  return new PkiError("key_algorithm_refused", `${problem}; ${ACCEPTED}.`);
}

function weak(problem: string): PkiError {
  return new PkiError("key_weak", `${problem}; ${ACCEPTED}.`);
}

function malformed(problem: string): PkiError {
  return new PkiError("csr_malformed", problem);
}

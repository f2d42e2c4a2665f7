import { type DerContext, openDer, readInteger } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { sequence, unsignedInteger } from "../der/writer.ts";
import { PkiError } from "../pki-error.ts";

const CONTEXT: DerContext = { code: "signer_mismatch", what: "The ECDSA signature" };

/**
 * Turns the raw r‖s that PKCS#11 and WebCrypto answer into the ECDSA-Sig-Value of RFC 3279 §2.2.3.
 * @example
 * assert.equal(Buffer.from(ecdsaSignatureToDer(Buffer.from("01".repeat(64), "hex"))).length, 70);
 */
export function ecdsaSignatureToDer(raw: Uint8Array): Uint8Array {
  if (raw.length === 0 || raw.length % 2 !== 0 || raw.length > 132) {
    throw new PkiError(
      "signer_mismatch",
      `A raw ECDSA signature has two equal halves; this one has ${raw.length} bytes.`,
    );
  }
  const half = raw.length / 2;
  return sequence(unsignedInteger(raw.subarray(0, half)), unsignedInteger(raw.subarray(half)));
}

/** Refuses anything but two positive minimal integers of at most `maxOctets`; a broken signer is found before its answer is used. */
export function checkEcdsaSignature(signature: Uint8Array, maxOctets: number, context: DerContext = CONTEXT): void {
  const inner = openDer(signature, TAG.sequence, context, 256);
  for (const name of ["r", "s"]) {
    const value = readInteger(inner, name);
    const magnitude = value[0] === 0 ? value.length - 1 : value.length;
    if (value[0]! >= 0x80 || magnitude === 0 || magnitude > maxOctets) inner.fail(`has ${name} out of range`);
  }
  inner.finish("s");
}

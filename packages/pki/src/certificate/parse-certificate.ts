import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { asBuffer, hex } from "../bytes.ts";
import { openDer, readOctetAlignedBits } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { pemDecode } from "../pem.ts";
import { type AlgorithmIdentifier, readAlgorithmIdentifier, SIGNATURE_ALGORITHMS } from "../signature-algorithm.ts";
import { CERTIFICATE_CONTEXT, MAX_CERTIFICATE_BYTES, type ParsedTbs, readTbs } from "./parse-tbs.ts";
import type { Extension } from "./read-extensions.ts";
import type { GeneralName } from "./read-general-names.ts";
import type { ParsedName } from "./read-name.ts";

/** A certificate as read. Well-formed, not judged: `lintCertificate` does that, and the registry decides who is known. */
export interface ParsedCertificate {
  readonly der: Uint8Array;
  /** Lower-case hex of the INTEGER's content octets. */
  readonly serial: string;
  readonly issuer: ParsedName;
  readonly subject: ParsedName;
  readonly spki: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Extension[];
  readonly isCa: boolean;
  readonly sans: readonly GeneralName[];
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  readonly tbs: ParsedTbs;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/**
 * Reads a certificate, PEM or DER, strictly (RFC 5280 §4.1): one element, minimal lengths, at most 16 KiB.
 * @example
 * const { certificate } = await exampleCa();
 * assert.equal(parseCertificate(certificate.pem).isCa, true);
 */
export function parseCertificate(pemOrDer: string | Uint8Array): ParsedCertificate {
  const der = typeof pemOrDer === "string" ? decodeText(pemOrDer) : pemOrDer;
  const outer = openDer(der, TAG.sequence, CERTIFICATE_CONTEXT, MAX_CERTIFICATE_BYTES);
  const value = outer.read(TAG.sequence, "its body");
  const tbs = readTbs(outer.into(value), outer.whole(value));
  const signatureAlgorithm = readAlgorithmIdentifier(outer, "its signature algorithm");
  const signature = readOctetAlignedBits(outer, "its signature");
  outer.finish("its signature");
  return { der, ...summary(tbs), tbs, signatureAlgorithm, signature };
}

/** The usual name of a certificate: the lower-case SHA-256 of its DER. */
export function certificateId(der: Uint8Array): string {
  return hash("sha256", der, "hex");
}

/** True where `issuerKey` made the signature, by an algorithm that is accepted here. */
export function isSignedBy(certificate: ParsedCertificate, issuerKey: KeyObject | Uint8Array): boolean {
  const { name } = certificate.signatureAlgorithm;
  if (name === undefined) return false;
  const key = issuerKey instanceof Uint8Array ? importSpki(issuerKey) : issuerKey;
  const { family, digest } = SIGNATURE_ALGORITHMS[name];
  if (key?.asymmetricKeyType !== family) return false;
  return verify(digest, certificate.tbs.bytes, key, certificate.signature);
}

function importSpki(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: asBuffer(spki), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function decodeText(pem: string): Uint8Array {
  return pemDecode(pem, "CERTIFICATE", { code: "certificate_malformed" });
}

function summary(tbs: ParsedTbs): Omit<ParsedCertificate, "der" | "tbs" | "signatureAlgorithm" | "signature"> {
  return {
    serial: hex(tbs.serial),
    issuer: tbs.issuer,
    subject: tbs.subject,
    spki: tbs.spki,
    notBeforeMs: tbs.notBefore.ms,
    notAfterMs: tbs.notAfter.ms,
    extensions: tbs.extensions ?? [],
    isCa: tbs.basicConstraints?.isCa ?? false,
    sans: tbs.subjectAltNames ?? [],
    subjectKeyId: tbs.subjectKeyId,
    authorityKeyId: tbs.authorityKeyId,
  };
}

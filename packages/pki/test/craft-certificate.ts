import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { encodeOid, OID } from "../src/der/oid.ts";
import { TAG } from "../src/der/tags.ts";
import {
  bitString,
  der,
  derTrue,
  explicit,
  namedBits,
  octetString,
  sequence,
  set,
  smallInteger,
  textString,
} from "../src/der/writer.ts";

/** Writes certificates that are wrong in exactly one way, which the product's own builder never would. */
export interface CertificateParts {
  readonly version: Uint8Array;
  readonly serial: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly issuer: Uint8Array;
  readonly notBefore: Uint8Array;
  readonly notAfter: Uint8Array;
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly uniqueIds: Uint8Array;
  /** Complete extensions by name, in order; undefined leaves one out. */
  readonly extensions: Readonly<Record<string, Uint8Array | undefined>>;
  /** What follows the key instead of the extensions above. */
  readonly tail?: Uint8Array;
}

export const NOTHING: Uint8Array = new Uint8Array(0);
export const ECDSA_SHA256: Uint8Array = sequence(encodeOid(OID.ecdsaWithSha256));

export const utc = (text: string): Uint8Array => textString(TAG.utcTime, text);
export const generalized = (text: string): Uint8Array => textString(TAG.generalizedTime, text);
export const utf8 = (text: string): Uint8Array => textString(TAG.utf8String, text);

export function attribute(oid: string, value: Uint8Array): Uint8Array {
  return sequence(encodeOid(oid), value);
}

export function name(...attributes: readonly Uint8Array[]): Uint8Array {
  return sequence(...attributes.map((one) => set(one)));
}

export function extension(oid: string, value: Uint8Array, critical?: boolean): Uint8Array {
  const flag = critical === undefined ? NOTHING : critical ? derTrue : der(TAG.boolean, Uint8Array.of(0));
  return sequence(encodeOid(oid), flag, octetString(value));
}

export const alternativeNames = (...names: readonly Uint8Array[]): Uint8Array =>
  extension(OID.subjectAltName, sequence(...names));

export const generalName = (n: number, text: string): Uint8Array => der(0x80 | n, Buffer.from(text, "latin1"));

export const keyUsage = (bits: readonly number[], critical?: boolean): Uint8Array =>
  extension(OID.keyUsage, namedBits(bits), critical);

export const extendedKeyUsage = (...purposes: readonly string[]): Uint8Array =>
  extension(OID.extendedKeyUsage, sequence(...purposes.map(encodeOid)));

export const basicConstraints = (content: readonly Uint8Array[], critical?: boolean): Uint8Array =>
  extension(OID.basicConstraints, sequence(...content), critical);

/** `[0] keyIdentifier`. */
export const authorityKeyId = (keyId: Uint8Array): Uint8Array =>
  extension(OID.authorityKeyIdentifier, sequence(der(0x80, keyId)));

export function craftTbs(parts: CertificateParts): Uint8Array {
  const extensions = Object.values(parts.extensions).filter((one) => one !== undefined);
  return sequence(
    parts.version,
    parts.serial,
    parts.algorithm,
    parts.issuer,
    sequence(parts.notBefore, parts.notAfter),
    parts.subject,
    parts.spki,
    parts.uniqueIds,
    parts.tail ?? explicit(3, sequence(...extensions)),
  );
}

export function craftCertificate(tbs: Uint8Array, key: KeyObject, algorithm: Uint8Array = ECDSA_SHA256): Uint8Array {
  return sequence(tbs, algorithm, bitString(sign("sha256", tbs, key)));
}

export const VERSION_3: Uint8Array = explicit(0, smallInteger(2));

export function spkiOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: "der", type: "spki" });
}

import { KEY_USAGES } from "../certificate/read-extensions.ts";
import { encodeOid, OID } from "../der/oid.ts";
import { TAG } from "../der/tags.ts";
import {
  bitString,
  der,
  derTrue,
  explicit,
  lengthOctets,
  namedBits,
  octetString,
  sequence,
  smallInteger,
  writeHeader,
} from "../der/writer.ts";
import { KEY_IDENTIFIER_OCTETS } from "./key-identifier.ts";
import type { Profile } from "./profiles.ts";

/** What differs between two certificates of one issuer and profile. All parts are complete DER but the key identifier. */
export interface VariableParts {
  /** SERIAL_OCTETS octets, the first 0x01 to 0x7f. */
  readonly serial: Uint8Array;
  readonly validity: Uint8Array;
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  /** GeneralNames. */
  readonly alternativeNames: Uint8Array | undefined;
}

export interface TemplateParts {
  /** The signature AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  /** The issuer's Name. */
  readonly issuer: Uint8Array;
  /** Undefined for a self-signed certificate, which needs none (RFC 5280 §4.2.1.1). */
  readonly authorityKeyId: Uint8Array | undefined;
  /** True where the subject is empty, so that the alternative names must be critical. */
  readonly criticalNames?: boolean;
}

/** One octet that the installation chooses and 144 random bits; 19 octets never grow to 21 in DER (RFC 5280 §4.1.2.2). */
export const SERIAL_OCTETS = 19;

/** A TBSCertificate of which everything but the variable parts is encoded once. */
export interface Template {
  readonly head: Uint8Array;
  readonly afterSerial: Uint8Array;
  readonly extensions: Uint8Array;
  /** Where in `extensions` the subject key identifier belongs. */
  readonly keyIdAt: number;
}

export function createTemplate(profile: Profile, parts: TemplateParts): Template {
  const hole = new Uint8Array(KEY_IDENTIFIER_OCTETS);
  const keyId = extension(OID.subjectKeyIdentifier, false, octetString(hole));
  return {
    // [0] version 3, then the serial number's own header: always the same length.
    head: Buffer.concat([explicit(0, smallInteger(2)), Uint8Array.of(TAG.integer, SERIAL_OCTETS)]),
    afterSerial: Buffer.concat([parts.algorithm, parts.issuer]),
    extensions: Buffer.concat([keyId, ...staticExtensions(profile, parts)]),
    keyIdAt: keyId.length - KEY_IDENTIFIER_OCTETS,
  };
}

/** Assembles the bytes to be signed: one allocation, no parsing, nothing re-encoded. */
export function fillTemplate(template: Template, parts: VariableParts): Uint8Array {
  const { head, afterSerial, extensions } = template;
  const names =
    parts.alternativeNames === undefined ? EMPTY : extension(OID.subjectAltName, false, parts.alternativeNames);
  const listLength = extensions.length + names.length;
  const taggedLength = 1 + lengthOctets(listLength) + listLength;
  const fixedLength = head.length + SERIAL_OCTETS + afterSerial.length + parts.validity.length;
  const length = fixedLength + parts.subject.length + parts.spki.length + 1 + lengthOctets(taggedLength) + taggedLength;
  const out = Buffer.allocUnsafe(1 + lengthOctets(length) + length);
  let at = writeHeader(out, 0, TAG.sequence, length);
  for (const part of [head, parts.serial, afterSerial, parts.validity, parts.subject, parts.spki]) {
    out.set(part, at);
    at += part.length;
  }
  at = writeHeader(out, at, 0xa3, taggedLength);
  at = writeHeader(out, at, TAG.sequence, listLength);
  out.set(extensions, at);
  out.set(parts.subjectKeyId, at + template.keyIdAt);
  out.set(names, at + extensions.length);
  return out;
}

const EMPTY = new Uint8Array(0);

function staticExtensions(profile: Profile, parts: TemplateParts): Uint8Array[] {
  const list: Uint8Array[] = [];
  if (parts.authorityKeyId !== undefined) {
    list.push(extension(OID.authorityKeyIdentifier, false, sequence(der(0x80, parts.authorityKeyId))));
  }
  const pathLength = profile.pathLength === undefined ? EMPTY : smallInteger(profile.pathLength);
  list.push(extension(OID.basicConstraints, true, profile.isCa ? sequence(derTrue, pathLength) : sequence()));
  list.push(extension(OID.keyUsage, true, namedBits(profile.keyUsage.map((usage) => KEY_USAGES.indexOf(usage)))));
  if (profile.extendedKeyUsage.length > 0) {
    list.push(extension(OID.extendedKeyUsage, false, sequence(...profile.extendedKeyUsage.map(encodeOid))));
  }
  return list;
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(encodeOid(oid), critical ? derTrue : EMPTY, octetString(value));
}

/** A certificate around signed bytes (RFC 5280 §4.1.1). */
export function assembleCertificate(tbs: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Uint8Array {
  return sequence(tbs, algorithm, bitString(signature));
}

import { OID } from "../der/oid.ts";
import {
  checkWellFormed,
  type DerContext,
  type DerReader,
  openDer,
  readInteger,
  readSmallInteger,
} from "../der/reader.ts";
import { contextConstructed, contextPrimitive, TAG } from "../der/tags.ts";
import { type DerTime, readTime } from "../der/time.ts";
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "../signature-algorithm.ts";
import * as ext from "./read-extensions.ts";
import { type GeneralName, readGeneralNames } from "./read-general-names.ts";
import { type ParsedName, readName } from "./read-name.ts";

/** A TBSCertificate (RFC 5280 §4.1) as it stands in the bytes: well-formed, but not yet judged. */
export interface ParsedTbs {
  readonly bytes: Uint8Array;
  /** 1, 2 or 3. */
  readonly version: number;
  /** The INTEGER's content octets. */
  readonly serial: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly issuer: ParsedName;
  readonly notBefore: DerTime;
  readonly notAfter: DerTime;
  readonly subject: ParsedName;
  readonly spki: Uint8Array;
  readonly hasUniqueIds: boolean;
  /** Undefined where `[3]` is absent. */
  readonly extensions: readonly ext.Extension[] | undefined;
  readonly basicConstraints: ext.BasicConstraints | undefined;
  readonly keyUsage: ext.ParsedKeyUsage | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltNames: readonly GeneralName[] | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  /** The whole extension may be present without a key identifier. */
  readonly authorityKeyId: Uint8Array | undefined;
}

export const CERTIFICATE_CONTEXT: DerContext = { code: "certificate_malformed", what: "The certificate" };
/** RFC 5280 knows no limit; TLS clients and registries do, and no device certificate comes near this. */
export const MAX_CERTIFICATE_BYTES: number = 16 * 1024;

export function parseTbs(tbs: Uint8Array): ParsedTbs {
  return readTbs(openDer(tbs, TAG.sequence, CERTIFICATE_CONTEXT, MAX_CERTIFICATE_BYTES), tbs);
}

export function readTbs(reader: DerReader, bytes: Uint8Array): ParsedTbs {
  const version = reader.peek() === contextConstructed(0) ? readVersion(reader) : 1;
  const serial = readInteger(reader, "its serial number");
  const signatureAlgorithm = readAlgorithmIdentifier(reader, "its signature algorithm");
  const issuer = readName(reader, "its issuer");
  const validity = reader.enter(TAG.sequence, "its validity");
  const notBefore = readTime(validity, "notBefore");
  const notAfter = readTime(validity, "notAfter");
  validity.finish("its validity");
  const subject = readName(reader, "its subject");
  const key = reader.read(TAG.sequence, "its public key");
  checkWellFormed(reader.into(key));
  const hasUniqueIds = skipUniqueIds(reader);
  const extensions = reader.more
    ? ext.readExtensions(reader.enter(contextConstructed(3), "its extensions"))
    : undefined;
  reader.finish("its extensions");
  const fixed = { bytes, version, serial, signatureAlgorithm, issuer, notBefore, notAfter, subject, hasUniqueIds };
  return { ...fixed, spki: reader.whole(key), extensions, ...decode(extensions ?? []) };
}

function readVersion(reader: DerReader): number {
  const inner = reader.enter(contextConstructed(0), "its version");
  const version = readSmallInteger(inner, "its version") + 1;
  inner.finish("its version");
  return version;
}

function skipUniqueIds(reader: DerReader): boolean {
  let found = false;
  for (const n of [1, 2]) {
    if (reader.peek() !== contextPrimitive(n)) continue;
    reader.next();
    found = true;
  }
  return found;
}

type Decoded = Pick<
  ParsedTbs,
  "basicConstraints" | "keyUsage" | "extendedKeyUsage" | "subjectAltNames" | "subjectKeyId" | "authorityKeyId"
>;

function decode(extensions: readonly ext.Extension[]): Decoded {
  const decoded: { -readonly [K in keyof Decoded]: Decoded[K] } = {
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAltNames: undefined,
    subjectKeyId: undefined,
    authorityKeyId: undefined,
  };
  for (const extension of extensions) decodeOne(extension, decoded);
  return decoded;
}

function decodeOne(extension: ext.Extension, into: { -readonly [K in keyof Decoded]: Decoded[K] }): void {
  switch (extension.oid) {
    case OID.basicConstraints:
      into.basicConstraints = ext.readBasicConstraints(extension);
      break;
    case OID.keyUsage:
      into.keyUsage = ext.readKeyUsage(extension);
      break;
    case OID.extendedKeyUsage:
      into.extendedKeyUsage = ext.readExtendedKeyUsage(extension);
      break;
    case OID.subjectAltName:
      into.subjectAltNames = readGeneralNames(ext.openExtension(extension, TAG.sequence, "subjectAltName"));
      break;
    case OID.subjectKeyIdentifier:
      into.subjectKeyId = ext.readSubjectKeyId(extension);
      break;
    case OID.authorityKeyIdentifier:
      into.authorityKeyId = ext.readAuthorityKeyId(extension);
      break;
  }
}

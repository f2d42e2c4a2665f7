import { OID, readOid } from "../der/oid.ts";
import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** `critical FALSE` written out although it is the default, which DER forbids; some devices do it. */
  readonly writesDefault: boolean;
  /** What is inside the OCTET STRING. */
  readonly value: Uint8Array;
}

const MAX_EXTENSIONS = 64;

/** Reads the list inside `[3]` (RFC 5280 §4.1.2.9). */
export function readExtensions(outer: DerReader): Extension[] {
  const list = outer.enter(TAG.sequence, "its extensions");
  outer.finish("its extensions");
  const extensions: Extension[] = [];
  while (list.more) {
    if (extensions.length === MAX_EXTENSIONS) list.fail(`has more than ${MAX_EXTENSIONS} extensions`);
    const extension = readExtension(list.enter(TAG.sequence, "an extension"));
    // RFC 5280 §4.2. Readers differ in which of two they believe, so a second one is never read.
    if (extensions.some(({ oid }) => oid === extension.oid)) list.fail(`has the extension ${extension.oid} twice`);
    extensions.push(extension);
  }
  return extensions;
}

function readExtension(reader: DerReader): Extension {
  const oid = readOid(reader, "an extension");
  const written = reader.peek() === TAG.boolean;
  const critical = written && readBoolean(reader, "an extension's criticality");
  const value = reader.content(reader.read(TAG.octetString, "an extension's value"));
  reader.finish("an extension");
  return { oid, critical, writesDefault: written && !critical, value };
}

export function readBoolean(reader: DerReader, name: string): boolean {
  const value = reader.read(TAG.boolean, name);
  const octet = reader.bytes[value.contentStart];
  // X.690 §11.1: TRUE is 0xff and nothing else.
  if (value.end - value.contentStart !== 1 || (octet !== 0 && octet !== 0xff))
    reader.fail(`has ${name} that is no DER boolean`);
  return octet === 0xff;
}

/** Opens one extension's value as a single element of this tag. */
export function openExtension(extension: Extension, tag: number, name: string): DerReader {
  const reader = new DerReader(extension.value, { code: "certificate_malformed", what: "The certificate" });
  const inner = reader.enter(tag, name);
  reader.finish(name);
  return inner;
}

export interface BasicConstraints {
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly writesDefault: boolean;
}

export function readBasicConstraints(extension: Extension): BasicConstraints {
  const reader = openExtension(extension, TAG.sequence, "basicConstraints");
  const written = reader.peek() === TAG.boolean;
  const isCa = written && readBoolean(reader, "basicConstraints");
  const pathLength = reader.more ? readPathLength(reader) : undefined;
  reader.finish("basicConstraints");
  return { isCa, pathLength, writesDefault: written && !isCa };
}

function readPathLength(reader: DerReader): number {
  const { contentStart, end } = reader.read(TAG.integer, "pathLenConstraint");
  const first = reader.bytes[contentStart] ?? 0x80;
  if (end - contentStart !== 1 || first >= 0x80) reader.fail("has a pathLenConstraint outside 0 to 127");
  return first;
}

/** Bit names of KeyUsage in order (RFC 5280 §4.2.1.3). */
export const KEY_USAGES = [
  "digitalSignature",
  "contentCommitment",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

export interface ParsedKeyUsage {
  readonly usages: ReadonlySet<KeyUsage>;
  /** X.690 §11.2.2: a named bit list has no trailing zero bits, and zeros in its unused ones. */
  readonly minimal: boolean;
}

export function readKeyUsage(extension: Extension): ParsedKeyUsage {
  const reader = new DerReader(extension.value, { code: "certificate_malformed", what: "The certificate" });
  const content = reader.content(reader.read(TAG.bitString, "keyUsage"));
  reader.finish("keyUsage");
  const unused = content[0] ?? 8;
  if (unused > 7 || content.length > 3 || (content.length === 1 && unused !== 0))
    reader.fail("has a malformed keyUsage");
  const usages = new Set<KeyUsage>();
  for (let bit = 0; bit < KEY_USAGES.length; bit++) {
    if (((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) usages.add(KEY_USAGES[bit]!);
  }
  const last = content.length > 1 ? content[content.length - 1]! : 1;
  return { usages, minimal: (last & ((2 << unused) - 1)) === 1 << unused || content.length === 1 };
}

export function readExtendedKeyUsage(extension: Extension): string[] {
  const reader = openExtension(extension, TAG.sequence, "extendedKeyUsage");
  const purposes: string[] = [];
  while (reader.more) purposes.push(readOid(reader, "extendedKeyUsage"));
  return purposes;
}

export function readSubjectKeyId(extension: Extension): Uint8Array {
  const reader = new DerReader(extension.value, { code: "certificate_malformed", what: "The certificate" });
  const content = reader.content(reader.read(TAG.octetString, "subjectKeyIdentifier"));
  reader.finish("subjectKeyIdentifier");
  return content;
}

/** The key identifier of an AuthorityKeyIdentifier; undefined where it names the issuer in other ways only. */
export function readAuthorityKeyId(extension: Extension): Uint8Array | undefined {
  const reader = openExtension(extension, TAG.sequence, "authorityKeyIdentifier");
  let keyId: Uint8Array | undefined;
  for (let lowest = 0x80; reader.more; ) {
    const value = reader.next();
    // [0] keyIdentifier, [1] issuer (constructed), [2] serial, each at most once and in this order.
    const n = value.tag & 0x1f;
    if ((value.tag & 0xc0) !== 0x80 || n > 2 || (0x80 | n) < lowest)
      reader.fail("has a malformed authorityKeyIdentifier");
    lowest = (0x80 | n) + 1;
    if (value.tag === 0x80) keyId = reader.content(value);
  }
  return keyId;
}

/** Extensions whose meaning this toolkit understands. */
export const UNDERSTOOD: ReadonlySet<string> = new Set<string>([
  OID.subjectKeyIdentifier,
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.authorityKeyIdentifier,
  OID.extendedKeyUsage,
]);

import type { DerReader, DerValue } from "./reader.ts";
import { TAG } from "./tags.ts";
import { der } from "./writer.ts";

/** The object identifiers this toolkit knows, by the names used in their specifications. */
export const OID = {
  ecPublicKey: "1.2.840.10045.2.1",
  rsaEncryption: "1.2.840.113549.1.1.1",
  prime256v1: "1.2.840.10045.3.1.7",
  secp384r1: "1.3.132.0.34",
  secp521r1: "1.3.132.0.35",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  ecdsaWithSha384: "1.2.840.10045.4.3.3",
  ecdsaWithSha512: "1.2.840.10045.4.3.4",
  sha256WithRsa: "1.2.840.113549.1.1.11",
  sha384WithRsa: "1.2.840.113549.1.1.12",
  sha512WithRsa: "1.2.840.113549.1.1.13",
  commonName: "2.5.4.3",
  surname: "2.5.4.4",
  serialNumber: "2.5.4.5",
  country: "2.5.4.6",
  locality: "2.5.4.7",
  state: "2.5.4.8",
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
  title: "2.5.4.12",
  givenName: "2.5.4.42",
  initials: "2.5.4.43",
  generationQualifier: "2.5.4.44",
  distinguishedNameQualifier: "2.5.4.46",
  pseudonym: "2.5.4.65",
  emailAddress: "1.2.840.113549.1.9.1",
  domainComponent: "0.9.2342.19200300.100.1.25",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  crlDistributionPoints: "2.5.29.31",
  certificatePolicies: "2.5.29.32",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  authorityInfoAccess: "1.3.6.1.5.5.7.1.1",
  subjectInfoAccess: "1.3.6.1.5.5.7.1.11",
  anyExtendedKeyUsage: "2.5.29.37.0",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  hardwareModuleName: "1.3.6.1.5.5.7.8.4",
} as const;

/** Longer than any identifier in use (a UUID arc takes 19 octets). */
const MAX_OID_OCTETS = 64;

/** The DER of a dotted identifier. */
export function encodeOid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const octets: number[] = [];
  for (const arc of [first! * 40 + second!, ...rest]) octets.push(...base128(arc));
  return der(TAG.oid, Uint8Array.from(octets));
}

function base128(arc: number): number[] {
  const octets = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest & 0x7f));
  return octets;
}

/** Reads an OBJECT IDENTIFIER as dotted text. */
export function readOid(reader: DerReader, name: string): string {
  return oidText(reader, reader.read(TAG.oid, name), name);
}

/** The common two-octet-prefix identifiers (2.5.4.x, 2.5.29.x), spelt once instead of at every certificate. */
const SHORT = new Map<number, string>();
for (let last = 0; last < 0x80; last++) {
  SHORT.set(0x550400 | last, `2.5.4.${last}`);
  SHORT.set(0x551d00 | last, `2.5.29.${last}`);
}

function oidText(reader: DerReader, value: DerValue, name: string): string {
  const { bytes } = reader;
  const { contentStart: start, end } = value;
  if (end - start === 3) {
    const short = SHORT.get((bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!);
    if (short !== undefined) return short;
  }
  if (end === start || end - start > MAX_OID_OCTETS || bytes[end - 1]! >= 0x80) {
    reader.fail(`has ${name} whose object identifier is empty, cut off or too long`);
  }
  return dotted(reader, start, end, name);
}

function dotted(reader: DerReader, start: number, end: number, name: string): string {
  const { bytes } = reader;
  let text = "";
  for (let at = start; at < end; ) {
    if (bytes[at] === 0x80) reader.fail(`has ${name} with a padded object identifier (not DER)`);
    const from = at;
    while (bytes[at]! >= 0x80) at++;
    at++;
    const arc = arcValue(bytes, from, at);
    text += text === "" ? firstArcs(arc) : `.${arc}`;
  }
  return text;
}

function arcValue(bytes: Uint8Array, from: number, to: number): number | bigint {
  if (to - from > 7) return bigArc(bytes, from, to);
  let arc = 0;
  for (let i = from; i < to; i++) arc = arc * 128 + (bytes[i]! & 0x7f);
  return arc;
}

function bigArc(bytes: Uint8Array, from: number, to: number): bigint {
  let arc = 0n;
  for (let i = from; i < to; i++) arc = arc * 128n + BigInt(bytes[i]! & 0x7f);
  return arc;
}

function firstArcs(arc: number | bigint): string {
  if (typeof arc === "bigint") return `2.${arc - 80n}`;
  const first = Math.min(Math.floor(arc / 40), 2);
  return `${first}.${arc - first * 40}`;
}

import { asBuffer } from "../bytes.ts";
import { OID, readOid } from "../der/oid.ts";
import type { DerReader, DerValue } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";

/** One attribute of a distinguished name, in the order of the certificate. A kind may occur several times. */
export interface NameAttribute {
  readonly oid: string;
  /** `commonName`, `organization` …; the dotted identifier for kinds without a name here. */
  readonly type: string;
  readonly value: string;
  /** The ASN.1 string type's identifier octet. */
  readonly tag: number;
  /** Which relative distinguished name it stands in, from 0. */
  readonly rdn: number;
}

export interface ParsedName {
  readonly der: Uint8Array;
  readonly attributes: readonly NameAttribute[];
}

/** Bounds what a foreign certificate can make us decode. */
const MAX_ATTRIBUTES = 64;

const NAMED_TYPES = [
  "commonName",
  "surname",
  "serialNumber",
  "country",
  "locality",
  "state",
  "organization",
  "organizationalUnit",
  "title",
  "givenName",
  "initials",
  "generationQualifier",
  "distinguishedNameQualifier",
  "pseudonym",
  "emailAddress",
  "domainComponent",
] as const;

const TYPE_NAMES: ReadonlyMap<string, string> = new Map(NAMED_TYPES.map((name) => [OID[name], name]));

/** Reads a Name (RFC 5280 §4.1.2.4). */
export function readName(reader: DerReader, name: string): ParsedName {
  const value = reader.read(TAG.sequence, name);
  const rdns = reader.into(value);
  const attributes: NameAttribute[] = [];
  for (let rdn = 0; rdns.more; rdn++) {
    const members = rdns.enter(TAG.set, `a part of ${name}`);
    if (!members.more) members.fail(`has an empty part in ${name}`);
    while (members.more) {
      if (attributes.length === MAX_ATTRIBUTES) members.fail(`has more than ${MAX_ATTRIBUTES} attributes in ${name}`);
      attributes.push(readAttribute(members, name, rdn));
    }
  }
  return { der: reader.whole(value), attributes };
}

/** Every value of one kind, as policy variables need them. */
export function attributeValues(name: ParsedName, type: string): string[] {
  return name.attributes.filter((attribute) => attribute.type === type).map((attribute) => attribute.value);
}

function readAttribute(rdn: DerReader, name: string, index: number): NameAttribute {
  const pair = rdn.enter(TAG.sequence, `an attribute of ${name}`);
  const oid = readOid(pair, `an attribute of ${name}`);
  if (!pair.more) pair.fail(`has an attribute without a value in ${name}`);
  const value = pair.next();
  pair.finish(`an attribute of ${name}`);
  return { oid, type: TYPE_NAMES.get(oid) ?? oid, value: readText(pair, value, name), tag: value.tag, rdn: index };
}

/** The text of a DirectoryString, IA5String or PrintableString; anything else is shown as hex after a number sign (RFC 4514 §2.4). */
function readText(reader: DerReader, value: DerValue, name: string): string {
  const octets = asBuffer(reader.content(value));
  switch (value.tag) {
    case TAG.utf8String:
      return readUtf8(reader, octets, name);
    case TAG.printableString:
    case TAG.ia5String:
      if (octets.some((octet) => octet >= 0x80)) reader.fail(`has a character beyond ASCII in ${name}`);
      return octets.toString("latin1");
    case TAG.teletexString:
      return octets.toString("latin1");
    case TAG.bmpString:
      if (octets.length % 2 !== 0) reader.fail(`has half a character in ${name}`);
      return Buffer.from(octets).swap16().toString("utf16le");
    default:
      return `#${octets.toString("hex")}`;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readUtf8(reader: DerReader, octets: Buffer, name: string): string {
  for (let i = 0; i < octets.length; i++) if (octets[i]! >= 0x80) return decodeUtf8(reader, octets, name);
  return octets.toString("latin1");
}

function decodeUtf8(reader: DerReader, octets: Buffer, name: string): string {
  try {
    return UTF8.decode(octets);
  } catch {
    return reader.fail(`has text that is not UTF-8 in ${name}`);
  }
}

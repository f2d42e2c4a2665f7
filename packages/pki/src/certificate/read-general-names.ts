import { asBuffer, hex } from "../bytes.ts";
import type { DerReader, DerValue } from "../der/reader.ts";
import { checkWellFormed } from "../der/reader.ts";
import { readName } from "./read-name.ts";

export type GeneralNameType = "other" | "email" | "dns" | "x400" | "directory" | "edi" | "uri" | "ip" | "registered-id";

export interface GeneralName {
  readonly type: GeneralNameType;
  /** Text for email, dns, uri and ip; `type=value` pairs for a directory name; hex for the rest. */
  readonly value: string;
  readonly content: Uint8Array;
}

const TYPES: readonly GeneralNameType[] = "other email dns x400 directory edi uri ip registered-id".split(
  " ",
) as GeneralNameType[];
/** x400, directory, EDI party and other names are constructed (RFC 5280 §4.2.1.6). */
const CONSTRUCTED: ReadonlySet<GeneralNameType> = new Set<GeneralNameType>(["other", "x400", "directory", "edi"]);
const MAX_NAMES = 256;

/** Reads the rest of the reader as GeneralNames. */
export function readGeneralNames(reader: DerReader): GeneralName[] {
  const names: GeneralName[] = [];
  while (reader.more) {
    if (names.length === MAX_NAMES) reader.fail(`has more than ${MAX_NAMES} alternative names`);
    names.push(readGeneralName(reader, reader.next()));
  }
  return names;
}

function readGeneralName(reader: DerReader, value: DerValue): GeneralName {
  const type = (value.tag & 0xc0) === 0x80 ? TYPES[value.tag & 0x1f] : undefined;
  if (type === undefined) reader.fail("has an alternative name of an unknown kind");
  if (((value.tag & 0x20) !== 0) !== CONSTRUCTED.has(type)) reader.fail(`has a malformed ${type} name`);
  const content = reader.content(value);
  return { type, content, value: readValue(reader, type, value, content) };
}

function readValue(reader: DerReader, type: GeneralNameType, value: DerValue, content: Uint8Array): string {
  switch (type) {
    case "email":
    case "dns":
    case "uri":
      if (content.some((octet) => octet >= 0x80)) reader.fail(`has a character beyond ASCII in a ${type} name`);
      return asBuffer(content).toString("latin1");
    case "ip":
      return ipText(content);
    case "directory":
      return directoryText(reader.into(value));
    case "other":
    case "x400":
    case "edi":
      checkWellFormed(reader.into(value));
      return hex(content);
    default:
      return hex(content);
  }
}

function directoryText(reader: DerReader): string {
  const { attributes } = readName(reader, "a directory name");
  reader.finish("a directory name");
  return attributes.map((attribute) => `${attribute.type}=${attribute.value}`).join(",");
}

/** Dotted for 4 octets, RFC 5952 for 16; hex for sizes that no address has, which the linter refuses. */
export function ipText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  if (octets.length !== 16) return hex(octets);
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((octets[i]! << 8) | octets[i + 1]!).toString(16));
  return compress(groups);
}

/** RFC 5952 §4.2: the longest run of at least two zero groups, the first of equals, becomes "::". */
function compress(groups: readonly string[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

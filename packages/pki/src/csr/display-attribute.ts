import { asBuffer } from "../bytes.ts";
import { readOid } from "../der/oid.ts";
import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";

const MAX_SHOWN = 128;

/** The first value of one kind in a name that was found well-formed, cut and made harmless for logs and screens. */
export function displayAttribute(name: Uint8Array, oid: string): string | undefined {
  const rdns = new DerReader(name, { code: "csr_malformed", what: "The CSR" }).enter(TAG.sequence, "its subject");
  while (rdns.more) {
    const rdn = rdns.enter(TAG.set, "a relative distinguished name");
    while (rdn.more) {
      const attribute = rdn.enter(TAG.sequence, "a subject attribute");
      const type = readOid(attribute, "a subject attribute");
      const value = attribute.next();
      if (type === oid) return harmless(attribute.content(value), value.tag);
    }
  }
  return undefined;
}

function harmless(octets: Uint8Array, tag: number): string {
  const cut = asBuffer(octets.subarray(0, MAX_SHOWN * 2));
  const text = tag === TAG.bmpString ? wide(cut) : cut.toString("utf8");
  // Control and format characters could forge log lines or reverse the text's direction.
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD").slice(0, MAX_SHOWN);
}

function wide(octets: Buffer): string {
  return Buffer.from(octets.subarray(0, octets.length & ~1))
    .swap16()
    .toString("utf16le");
}

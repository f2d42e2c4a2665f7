import { encodeOid, OID } from "../der/oid.ts";
import { TAG } from "../der/tags.ts";
import { sequence, set, textString } from "../der/writer.ts";
import { PkiError } from "../pki-error.ts";

/** The parts of a distinguished name that we write, in the order in which they are written. */
export interface SubjectFields {
  readonly organizationName?: string;
  readonly serialNumber?: string;
  readonly commonName?: string;
}

interface FieldForm {
  readonly oid: Uint8Array;
  readonly tag: number;
  /** RFC 5280 appendix A.1: ub-organization-name, ub-serial-number, ub-common-name, in characters. */
  readonly maxCharacters: number;
}

const FORMS: Readonly<Record<keyof SubjectFields, FieldForm>> = {
  organizationName: { oid: encodeOid(OID.organization), tag: TAG.utf8String, maxCharacters: 64 },
  serialNumber: { oid: encodeOid(OID.serialNumber), tag: TAG.printableString, maxCharacters: 64 },
  commonName: { oid: encodeOid(OID.commonName), tag: TAG.utf8String, maxCharacters: 64 },
};

const FIELDS: readonly (keyof SubjectFields)[] = ["organizationName", "serialNumber", "commonName"];

/** The DER of a Name; values that RFC 5280 does not allow are refused by name. */
export function encodeName(subject: SubjectFields): Uint8Array {
  const rdns: Uint8Array[] = [];
  for (const field of FIELDS) {
    const value = subject[field];
    if (value !== undefined) rdns.push(encodeField(field, value));
  }
  return sequence(...rdns);
}

function encodeField(field: keyof SubjectFields, value: string): Uint8Array {
  const { oid, tag, maxCharacters } = FORMS[field];
  const characters = [...value].length;
  if (characters === 0 || characters > maxCharacters) {
    throw refused(field, `has ${characters} characters; 1 to ${maxCharacters} are allowed`);
  }
  if (/[\p{Cc}\p{Cs}]/u.test(value)) throw refused(field, "has a control character or half a surrogate pair");
  if (tag === TAG.printableString && !/^[A-Za-z0-9 '()+,\-./:=?]+$/.test(value)) {
    throw refused(field, "may only have letters, digits, space and '()+,-./:=? (PrintableString)");
  }
  return set(sequence(oid, textString(tag, value)));
}

function refused(field: string, problem: string): PkiError {
  return new PkiError("request_invalid", `The subject's ${field} ${problem}.`);
}

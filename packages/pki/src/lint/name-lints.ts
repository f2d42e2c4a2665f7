import type { ParsedTbs } from "../certificate/parse-tbs.ts";
import type { NameAttribute } from "../certificate/read-name.ts";
import { TAG } from "../der/tags.ts";
import type { Lint } from "./lint.ts";

/** RFC 5280 appendix A.1, upper bounds in characters. */
const UPPER_BOUNDS: Readonly<Record<string, number>> = {
  commonName: 64,
  serialNumber: 64,
  country: 2,
  locality: 128,
  state: 128,
  organization: 64,
  organizationalUnit: 64,
  title: 64,
  pseudonym: 128,
  emailAddress: 255,
};

/** Kinds whose type is fixed, unlike the DirectoryString of the others. */
const FIXED_TYPES: Readonly<Record<string, number>> = {
  country: TAG.printableString,
  serialNumber: TAG.printableString,
  distinguishedNameQualifier: TAG.printableString,
  emailAddress: TAG.ia5String,
  domainComponent: TAG.ia5String,
};

const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** A rule about one attribute, applied to the issuer's and the subject's. */
function attributeLint(id: string, citation: string, check: (attribute: NameAttribute) => string | undefined): Lint {
  return { id, citation, check: (tbs) => firstProblem(tbs, check) };
}

function firstProblem(tbs: ParsedTbs, check: (attribute: NameAttribute) => string | undefined): string | undefined {
  for (const attribute of tbs.subject.attributes) {
    const problem = check(attribute);
    if (problem !== undefined) return `The subject's ${attribute.type} ${problem}.`;
  }
  for (const attribute of tbs.issuer.attributes) {
    const problem = check(attribute);
    if (problem !== undefined) return `The issuer's ${attribute.type} ${problem}.`;
  }
  return undefined;
}

/** Issuer and subject. */
export const NAME_LINTS: readonly Lint[] = [
  {
    id: "issuer_not_empty",
    citation: "RFC 5280 §4.1.2.4",
    check: ({ issuer }) => (issuer.attributes.length === 0 ? "The issuer's name is empty." : undefined),
  },
  {
    id: "ca_subject_not_empty",
    citation: "RFC 5280 §4.1.2.6",
    check: ({ basicConstraints, subject }) =>
      basicConstraints?.isCa === true && subject.attributes.length === 0 ? "A CA's subject is empty." : undefined,
  },
  {
    id: "name_single_valued",
    citation: "RFC 5280 §4.1.2.4 (readers differ in how they order the members)",
    check: ({ subject, issuer }) =>
      isMultiValued(subject.attributes) || isMultiValued(issuer.attributes)
        ? "A relative distinguished name has several attributes."
        : undefined,
  },
  attributeLint("name_string_type", "RFC 5280 §4.1.2.4", ({ type, tag }) => {
    const fixed = FIXED_TYPES[type];
    if (fixed !== undefined) return tag === fixed ? undefined : "has not the one string type that its kind allows";
    return tag === TAG.utf8String || tag === TAG.printableString
      ? undefined
      : "is neither UTF8String nor PrintableString";
  }),
  attributeLint("name_printable_alphabet", "X.680 §41.4", ({ tag, value }) =>
    tag === TAG.printableString && !PRINTABLE.test(value) ? "has a character that PrintableString lacks" : undefined,
  ),
  attributeLint("name_not_empty", "RFC 5280 appendix A.1 (SIZE 1..)", ({ value }) =>
    value.length === 0 ? "is empty" : undefined,
  ),
  attributeLint("name_upper_bound", "RFC 5280 appendix A.1", ({ type, value }) =>
    value.length > (UPPER_BOUNDS[type] ?? 256) ? "is too long" : undefined,
  ),
  attributeLint("name_no_control_characters", "X.520 §6, CVE-2009-2408 (NUL in names)", ({ value }) =>
    CONTROL.test(value) ? "has a control character" : undefined,
  ),
  attributeLint("name_no_outer_spaces", "RFC 5280 §7.1 (compared after removing them)", ({ value }) =>
    value.startsWith(" ") || value.endsWith(" ") ? "begins or ends with a space" : undefined,
  ),
  attributeLint("name_country_two_letters", "RFC 5280 appendix A.1 (X520countryName)", ({ type, value }) =>
    type === "country" && !/^[A-Z]{2}$/.test(value) ? "is not two capital letters" : undefined,
  ),
];

function isMultiValued(attributes: readonly NameAttribute[]): boolean {
  const last = attributes.at(-1);
  return last !== undefined && last.rdn !== attributes.length - 1;
}

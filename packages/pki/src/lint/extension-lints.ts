import type { ParsedTbs } from "../certificate/parse-tbs.ts";
import { type KeyUsage, UNDERSTOOD } from "../certificate/read-extensions.ts";
import type { GeneralName, GeneralNameType } from "../certificate/read-general-names.ts";
import { OID } from "../der/oid.ts";
import { keyForm } from "../keys/spki.ts";
import type { Lint } from "./lint.ts";

/** Extensions that only make sense uncritical, with the clause that says so. */
const NEVER_CRITICAL: readonly (readonly [oid: string, id: string, clause: string])[] = [
  [OID.authorityKeyIdentifier, "aki_not_critical", "4.2.1.1"],
  [OID.subjectKeyIdentifier, "ski_not_critical", "4.2.1.2"],
  [OID.authorityInfoAccess, "aia_not_critical", "4.2.2.1"],
  [OID.subjectInfoAccess, "sia_not_critical", "4.2.2.2"],
];

/** Extensions that must be critical where they occur. */
const ALWAYS_CRITICAL: readonly (readonly [oid: string, id: string, clause: string])[] = [
  [OID.keyUsage, "key_usage_critical", "4.2.1.3"],
  [OID.nameConstraints, "name_constraints_critical", "4.2.1.10"],
];

const EC_FORBIDDEN: readonly KeyUsage[] = ["keyEncipherment", "dataEncipherment"];
const RSA_FORBIDDEN: readonly KeyUsage[] = ["keyAgreement", "encipherOnly", "decipherOnly"];

const isCa = (tbs: ParsedTbs): boolean => tbs.basicConstraints?.isCa === true;
const find = (tbs: ParsedTbs, oid: string) => tbs.extensions?.find((extension) => extension.oid === oid);

/** Extensions in general, and each kind that is understood. */
export const EXTENSION_LINTS: readonly Lint[] = [
  {
    id: "extensions_not_empty",
    citation: "RFC 5280 §4.1 (SIZE 1..MAX)",
    check: ({ extensions }) => (extensions?.length === 0 ? "The list of extensions is present but empty." : undefined),
  },
  {
    id: "extension_default_not_written",
    citation: "X.690 §11.5",
    check: ({ extensions }) => {
      const found = extensions?.find((extension) => extension.writesDefault);
      return found && `The extension ${found.oid} writes its default, critical FALSE.`;
    },
  },
  {
    id: "critical_extension_understood",
    citation: "RFC 5280 §4.2",
    check: ({ extensions }) => {
      const found = extensions?.find(
        ({ critical, oid }) => critical && !UNDERSTOOD.has(oid) && oid !== OID.nameConstraints,
      );
      return found && `The critical extension ${found.oid} is not understood here.`;
    },
  },
  ...NEVER_CRITICAL.map(([oid, id, clause]) => ({
    id,
    citation: `RFC 5280 §${clause}`,
    check: (tbs: ParsedTbs) => (find(tbs, oid)?.critical === true ? `The extension ${oid} is critical.` : undefined),
  })),
  ...ALWAYS_CRITICAL.map(([oid, id, clause]) => ({
    id,
    citation: `RFC 5280 §${clause}`,
    check: (tbs: ParsedTbs) =>
      find(tbs, oid)?.critical === false ? `The extension ${oid} is not critical.` : undefined,
  })),
  {
    id: "name_constraints_only_in_ca",
    citation: "RFC 5280 §4.2.1.10",
    check: (tbs) =>
      !isCa(tbs) && find(tbs, OID.nameConstraints) !== undefined
        ? "nameConstraints in a certificate that is no CA's."
        : undefined,
  },
  {
    id: "ca_subject_key_id_present",
    citation: "RFC 5280 §4.2.1.2",
    check: (tbs) => (isCa(tbs) && tbs.subjectKeyId === undefined ? "A CA lacks the subjectKeyIdentifier." : undefined),
  },
  {
    id: "subject_key_id_size",
    citation: "RFC 5280 §4.2.1.2, RFC 7093 §2",
    check: ({ subjectKeyId }) =>
      subjectKeyId !== undefined && (subjectKeyId.length < 8 || subjectKeyId.length > 64)
        ? `The subjectKeyIdentifier has ${subjectKeyId.length} octets.`
        : undefined,
  },
  {
    id: "authority_key_id_has_key",
    citation: "RFC 5280 §4.2.1.1",
    check: (tbs) =>
      find(tbs, OID.authorityKeyIdentifier) !== undefined && tbs.authorityKeyId === undefined
        ? "The authorityKeyIdentifier has no keyIdentifier."
        : undefined,
  },
  {
    id: "ca_key_usage_present",
    citation: "RFC 5280 §4.2.1.3",
    check: (tbs) => (isCa(tbs) && tbs.keyUsage === undefined ? "A CA lacks keyUsage." : undefined),
  },
  {
    id: "ca_key_usage_signs",
    citation: "RFC 5280 §4.2.1.9",
    check: (tbs) =>
      isCa(tbs) && tbs.keyUsage !== undefined && !tbs.keyUsage.usages.has("keyCertSign")
        ? "A CA's keyUsage lacks keyCertSign."
        : undefined,
  },
  {
    id: "key_usage_not_empty",
    citation: "RFC 5280 §4.2.1.3",
    check: ({ keyUsage }) => (keyUsage?.usages.size === 0 ? "keyUsage allows nothing." : undefined),
  },
  {
    id: "key_usage_minimal",
    citation: "X.690 §11.2.2",
    check: ({ keyUsage }) => (keyUsage?.minimal === false ? "keyUsage has trailing zero bits." : undefined),
  },
  {
    id: "key_cert_sign_only_in_ca",
    citation: "RFC 5280 §4.2.1.3",
    check: (tbs) =>
      !isCa(tbs) && tbs.keyUsage?.usages.has("keyCertSign") === true
        ? "keyCertSign in a certificate that is no CA's."
        : undefined,
  },
  {
    id: "key_usage_fits_key",
    citation: "RFC 5480 §3, RFC 3279 §2.3.1",
    check: ({ keyUsage, spki }) => {
      const algorithm = keyForm(spki)?.algorithm;
      if (keyUsage === undefined || algorithm === undefined) return undefined;
      const forbidden = algorithm.startsWith("ec") ? EC_FORBIDDEN : RSA_FORBIDDEN;
      const found = forbidden.find((usage) => keyUsage.usages.has(usage));
      return found && `keyUsage has ${found}, which ${algorithm} keys cannot do.`;
    },
  },
  {
    id: "ca_basic_constraints_critical",
    citation: "RFC 5280 §4.2.1.9",
    check: (tbs) =>
      isCa(tbs) && find(tbs, OID.basicConstraints)?.critical === false
        ? "A CA's basicConstraints are not critical."
        : undefined,
  },
  {
    id: "basic_constraints_default_not_written",
    citation: "X.690 §11.5",
    check: ({ basicConstraints }) =>
      basicConstraints?.writesDefault === true ? "basicConstraints write their default, CA FALSE." : undefined,
  },
  {
    id: "path_length_only_in_ca",
    citation: "RFC 5280 §4.2.1.9",
    check: (tbs) =>
      !isCa(tbs) && tbs.basicConstraints?.pathLength !== undefined
        ? "pathLenConstraint in a certificate that is no CA's."
        : undefined,
  },
  {
    id: "ext_key_usage_not_empty",
    citation: "RFC 5280 §4.2.1.12",
    check: ({ extendedKeyUsage }) => (extendedKeyUsage?.length === 0 ? "extendedKeyUsage is empty." : undefined),
  },
  {
    id: "ext_key_usage_not_any",
    citation: "RFC 5280 §4.2.1.12, CA/Browser Forum BR §7.1.2",
    check: ({ extendedKeyUsage }) =>
      extendedKeyUsage?.includes(OID.anyExtendedKeyUsage) === true ? "extendedKeyUsage allows any purpose." : undefined,
  },
  {
    id: "ext_key_usage_unique",
    citation: "RFC 5280 §4.2.1.12",
    check: ({ extendedKeyUsage }) =>
      extendedKeyUsage !== undefined && new Set(extendedKeyUsage).size !== extendedKeyUsage.length
        ? "extendedKeyUsage names a purpose twice."
        : undefined,
  },
  {
    id: "subject_or_names_present",
    citation: "RFC 5280 §4.1.2.6",
    check: (tbs) => {
      if (tbs.subject.attributes.length > 0 || find(tbs, OID.subjectAltName)?.critical === true) return undefined;
      return "The subject is empty and no critical subjectAltName stands in for it.";
    },
  },
  {
    id: "alt_names_not_empty",
    citation: "RFC 5280 §4.2.1.6 (SIZE 1..MAX)",
    check: ({ subjectAltNames }) => (subjectAltNames?.length === 0 ? "subjectAltName is empty." : undefined),
  },
  {
    id: "alt_names_uncritical_beside_subject",
    citation: "RFC 5280 §4.2.1.6",
    check: (tbs) =>
      tbs.subject.attributes.length > 0 && find(tbs, OID.subjectAltName)?.critical === true
        ? "subjectAltName is critical although there is a subject."
        : undefined,
  },
  nameLint("alt_name_dns_syntax", "RFC 5280 §4.2.1.6, RFC 1034 §3.5", "dns", (name) =>
    isHostName(name.value) ? undefined : "is no DNS name in preferred syntax",
  ),
  nameLint("alt_name_ip_size", "RFC 5280 §4.2.1.6", "ip", (name) =>
    name.content.length === 4 || name.content.length === 16 ? undefined : "has neither 4 nor 16 octets",
  ),
  nameLint("alt_name_uri_absolute", "RFC 5280 §4.2.1.6, RFC 3986 §4.3", "uri", (name) =>
    /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(name.value) ? undefined : "is no absolute URI",
  ),
  nameLint("alt_name_email_syntax", "RFC 5280 §4.2.1.6, RFC 5321 §4.1.2", "email", (name) =>
    /^[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9.-]{1,255}$/.test(name.value) ? undefined : "is no mailbox",
  ),
];

function nameLint(
  id: string,
  citation: string,
  type: GeneralNameType,
  check: (name: GeneralName) => string | undefined,
): Lint {
  return { id, citation, check: ({ subjectAltNames }) => subjectAltNames && nameProblem(subjectAltNames, type, check) };
}

function nameProblem(
  names: readonly GeneralName[],
  type: GeneralNameType,
  check: (name: GeneralName) => string | undefined,
): string | undefined {
  for (const name of names) {
    const problem = name.type === type ? check(name) : undefined;
    if (problem !== undefined) return `The alternative name ${type}:${name.value} ${problem}.`;
  }
  return undefined;
}

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;

/** A leading "*." is syntax here; the server profile refuses it. */
function isHostName(name: string): boolean {
  const labels = (name.startsWith("*.") ? name.slice(2) : name).split(".");
  return name.length <= 253 && labels.every((label) => LABEL.test(label));
}

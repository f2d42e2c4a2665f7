import { sameBytes } from "../bytes.ts";
import type { ParsedTbs } from "../certificate/parse-tbs.ts";
import { OID } from "../der/oid.ts";
import { keyIdentifier } from "../issue/key-identifier.ts";
import { PROFILES, type Profile } from "../issue/profiles.ts";
import { SERIAL_OCTETS } from "../issue/template.ts";
import { keyForm } from "../keys/spki.ts";
import type { Lint } from "./lint.ts";

const PROFILE = "the profile (src/issue/profiles.ts)";

function profileLint(
  id: string,
  citation: string,
  check: (tbs: ParsedTbs, profile: Profile) => string | undefined,
): Lint {
  return {
    id,
    citation,
    check: (tbs, { profile }) => (profile === undefined ? undefined : check(tbs, PROFILES[profile])),
  };
}

/** Order and criticality of everything a profile writes; the root has no authorityKeyIdentifier. */
const LAYOUT: readonly (readonly [oid: string, critical: boolean])[] = [
  [OID.subjectKeyIdentifier, false],
  [OID.authorityKeyIdentifier, false],
  [OID.basicConstraints, true],
  [OID.keyUsage, true],
  [OID.extendedKeyUsage, false],
  [OID.subjectAltName, false],
];

/** What our own certificates are, beyond what RFC 5280 allows. */
export const PROFILE_LINTS: readonly Lint[] = [
  profileLint("profile_serial", "Boulder's serial numbers: one chosen octet, then random ones", ({ serial }) =>
    serial.length !== SERIAL_OCTETS || serial[0]! < 1 || serial[0]! > 0x7f
      ? `The serial number must have ${SERIAL_OCTETS} octets and begin with 0x01 to 0x7f.`
      : undefined,
  ),
  profileLint("profile_serial_random", "RFC 5280 §4.1.2.2 (a stuck random source)", ({ serial }) =>
    !looksRandom(serial) ? "The serial number's random part is not random." : undefined,
  ),
  profileLint("profile_signature", PROFILE, ({ signatureAlgorithm: { name } }) =>
    name === "ecdsa-sha256" || name === "ecdsa-sha384" || name === "rsa-sha256"
      ? undefined
      : "Our own signatures are ECDSA with SHA-256 or SHA-384, or RSA with SHA-256.",
  ),
  profileLint("profile_validity", PROFILE, ({ notBefore, notAfter }, profile) => {
    const seconds = (notAfter.ms - notBefore.ms) / 1000;
    const longest = profile.maxValidSeconds + profile.backdateSeconds;
    return seconds > longest ? `It is valid for ${seconds} seconds; ${profile.name} allows ${longest}.` : undefined;
  }),
  profileLint("profile_common_name", PROFILE, ({ subject }) =>
    subject.attributes.filter((attribute) => attribute.type === "commonName").length === 1
      ? undefined
      : "The subject must have exactly one commonName.",
  ),
  profileLint("profile_subject_kinds", PROFILE, ({ subject }) => {
    const odd = subject.attributes.find(({ type }) => !["commonName", "organization", "serialNumber"].includes(type));
    return odd && `The subject has a ${odd.type}, which no profile writes.`;
  }),
  profileLint("profile_extensions", PROFILE, extensionProblem),
  profileLint("profile_basic_constraints", PROFILE, ({ basicConstraints }, profile) =>
    basicConstraints?.isCa === profile.isCa
      ? undefined
      : `basicConstraints must say CA ${profile.isCa ? "TRUE" : "FALSE"}.`,
  ),
  profileLint("profile_path_length", PROFILE, ({ basicConstraints }, profile) =>
    basicConstraints?.pathLength === profile.pathLength
      ? undefined
      : `pathLenConstraint must be ${profile.pathLength ?? "absent"}.`,
  ),
  profileLint("profile_key_usage", PROFILE, ({ keyUsage }, profile) =>
    keyUsage?.usages.size === profile.keyUsage.length && profile.keyUsage.every((usage) => keyUsage.usages.has(usage))
      ? undefined
      : `keyUsage must be exactly ${profile.keyUsage.join(", ")}.`,
  ),
  profileLint("profile_ext_key_usage", PROFILE, ({ extendedKeyUsage = [] }, profile) =>
    extendedKeyUsage.join() === profile.extendedKeyUsage.join() ? undefined : "extendedKeyUsage is not the profile's.",
  ),
  profileLint("profile_alt_names", PROFILE, alternativeNameProblem),
  profileLint("profile_no_wildcard", PROFILE, ({ subjectAltNames }) =>
    subjectAltNames?.some((name) => name.type === "dns" && name.value.includes("*")) === true
      ? "A server certificate names its hosts one by one, without a wildcard."
      : undefined,
  ),
  profileLint("profile_subject_key_id", "RFC 7093 §2 method 1", ({ subjectKeyId, spki }) => {
    if (subjectKeyId === undefined || keyForm(spki) === undefined) return "The subjectKeyIdentifier cannot be checked.";
    return sameBytes(subjectKeyId, keyIdentifier(spki)) ? undefined : "The subjectKeyIdentifier is not this key's.";
  }),
];

/** Finds a source that is stuck, not one that is merely bad: fewer than four changes from octet to octet. */
function looksRandom(serial: Uint8Array): boolean {
  let changes = 0;
  for (let i = 2; i < serial.length; i++) if (serial[i] !== serial[i - 1]) changes++;
  return changes >= 4;
}

function extensionProblem(tbs: ParsedTbs, profile: Profile): string | undefined {
  let at = 0;
  for (const extension of tbs.extensions ?? []) {
    while (at < LAYOUT.length && LAYOUT[at]![0] !== extension.oid) {
      if (isRequired(LAYOUT[at]![0], profile)) return `The extension ${LAYOUT[at]![0]} is missing or out of order.`;
      at++;
    }
    if (at === LAYOUT.length) return `The extension ${extension.oid} is not one that ${profile.name} writes here.`;
    if (LAYOUT[at]![1] !== extension.critical) return `The extension ${extension.oid} has the wrong criticality.`;
    at++;
  }
  const missing = LAYOUT.slice(at).find(([oid]) => isRequired(oid, profile));
  return missing && `The extension ${missing[0]} is missing.`;
}

function isRequired(oid: string, profile: Profile): boolean {
  if (oid === OID.authorityKeyIdentifier) return profile.name !== "root";
  if (oid === OID.extendedKeyUsage) return profile.extendedKeyUsage.length > 0;
  return oid !== OID.subjectAltName || profile.alternativeNames === "addresses";
}

function alternativeNameProblem({ subjectAltNames = [] }: ParsedTbs, profile: Profile): string | undefined {
  const kinds = new Set(subjectAltNames.map((name) => name.type));
  switch (profile.alternativeNames) {
    case "none":
      return kinds.size === 0 ? undefined : `${profile.name} has no alternative names.`;
    case "addresses":
      kinds.delete("dns");
      kinds.delete("ip");
      return kinds.size === 0 ? undefined : "A server's alternative names are DNS names and IP addresses only.";
    case "optional-uri":
      kinds.delete("uri");
      return kinds.size === 0 && subjectAltNames.length <= 1
        ? undefined
        : `${profile.name} has at most one URI as alternative name.`;
  }
}

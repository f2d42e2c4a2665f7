import { sameBytes } from "../bytes.ts";
import type { ParsedTbs } from "../certificate/parse-tbs.ts";
import type { Issuer } from "../issue/issuer.ts";
import type { Lint } from "./lint.ts";

const isRoot = (issuer: Issuer): boolean => issuer.certificate === undefined;

function issuerLint(id: string, citation: string, check: (tbs: ParsedTbs, issuer: Issuer) => string | undefined): Lint {
  return { id, citation, check: (tbs, { issuer }) => (issuer === undefined ? undefined : check(tbs, issuer)) };
}

/** How the certificate fits the CA that is about to sign it, and the request it was built from. */
export const ISSUER_LINTS: readonly Lint[] = [
  issuerLint("issuer_name", "RFC 5280 §6.1.3 (a)(4)", (tbs, issuer) =>
    sameBytes(tbs.issuer.der, issuer.name) ? undefined : "The issuer's name is not the CA's subject.",
  ),
  issuerLint("issuer_key_id", "RFC 5280 §4.2.1.1", (tbs, issuer) => {
    if (isRoot(issuer)) return undefined;
    if (tbs.authorityKeyId === undefined) return "The authorityKeyIdentifier is missing.";
    return sameBytes(tbs.authorityKeyId, issuer.keyId) ? undefined : "The authorityKeyIdentifier is not the CA's key.";
  }),
  issuerLint("issuer_algorithm", "RFC 5280 §4.1.2.3", (tbs, issuer) =>
    tbs.signatureAlgorithm.name === issuer.signatureAlgorithm ? undefined : "The CA does not sign with this algorithm.",
  ),
  issuerLint("issuer_validity_contains", "RFC 5280 §6.1.3 (a)(2); device stacks that check nesting", (tbs, issuer) =>
    tbs.notAfter.ms > issuer.notAfterMs || tbs.notBefore.ms < issuer.notBeforeMs
      ? "The certificate's validity is not within the CA's."
      : undefined,
  ),
  issuerLint("issuer_serial_prefix", "the installation's epoch", (tbs, issuer) =>
    tbs.serial[0] === issuer.serialPrefix
      ? undefined
      : "The serial number does not begin with the installation's octet.",
  ),
  issuerLint("subject_is_not_issuer", "RFC 5280 §3.2 (self-issued certificates)", (tbs, issuer) =>
    !isRoot(issuer) && sameBytes(tbs.subject.der, issuer.name) ? "The subject has the CA's own name." : undefined,
  ),
  issuerLint("key_is_not_issuers", "RFC 5280 §3.2 (self-signed certificates)", (tbs, issuer) =>
    !isRoot(issuer) && sameBytes(tbs.spki, issuer.spki) ? "The certificate holds the CA's own key." : undefined,
  ),
  issuerLint("root_is_self_issued", "RFC 5280 §3.2", (tbs, issuer) =>
    isRoot(issuer) && !(sameBytes(tbs.subject.der, issuer.name) && sameBytes(tbs.spki, issuer.spki))
      ? "A root must name itself and its own key."
      : undefined,
  ),
  issuerLint("issuer_path_length", "RFC 5280 §6.1.4 (m)", (tbs, issuer) =>
    !isRoot(issuer) && tbs.basicConstraints?.isCa === true && issuer.pathLength === 0
      ? "The CA's path length allows no CA below it."
      : undefined,
  ),
  {
    id: "expected_serial",
    citation: "intent before signature",
    check: ({ serial }, { expected }) =>
      expected === undefined || sameBytes(serial, expected.serial)
        ? undefined
        : "The serial number is not the reserved one.",
  },
  {
    id: "expected_public_key",
    citation: "RFC 2986 §4 (the key that proved its possession)",
    check: ({ spki }, { expected }) =>
      expected === undefined || sameBytes(spki, expected.spki) ? undefined : "The public key is not the requested one.",
  },
];

import { sameBytes } from "../bytes.ts";
import { isSignedBy, type ParsedCertificate, parseCertificate } from "../certificate/parse-certificate.ts";
import { checkEcdsaSignature } from "../keys/ecdsa-signature.ts";
import { PkiError } from "../pki-error.ts";
import type { Finding, LintContext } from "./lint.ts";
import { lintParsed, unreadable } from "./lint-tbs.ts";

interface CertificateLint {
  readonly id: string;
  readonly citation: string;
  check(certificate: ParsedCertificate, context: LintContext): string | undefined;
}

/** Rules about what is around the signed part. */
export const CERTIFICATE_LINTS: readonly CertificateLint[] = [
  {
    id: "signature_algorithms_equal",
    citation: "RFC 5280 §4.1.1.2",
    check: ({ signatureAlgorithm, tbs }) =>
      sameBytes(signatureAlgorithm.der, tbs.signatureAlgorithm.der)
        ? undefined
        : "The signature algorithm inside the signed part differs from the one outside.",
  },
  { id: "signature_form", citation: "RFC 3279 §2.2.3, RFC 8017 §8.2.1", check: signatureForm },
  {
    id: "signature_valid",
    citation: "RFC 5280 §6.1.3 (a)(1)",
    check: (certificate, { issuer }) =>
      issuer === undefined || isSignedBy(certificate, issuer.spki)
        ? undefined
        : "The signature was not made by the issuer's key.",
  },
];

/**
 * Judges a finished certificate by every rule; with an `issuer` the signature is verified too. Empty means sound.
 * @example
 * const { certificate } = await exampleCa();
 * assert.deepEqual(lintCertificate(certificate.der, { profile: "issuing-ca" }), []);
 */
export function lintCertificate(der: Uint8Array, context: LintContext = {}): Finding[] {
  try {
    const certificate = parseCertificate(der);
    const outer = CERTIFICATE_LINTS.flatMap((lint) => {
      const message = lint.check(certificate, context);
      return message === undefined ? [] : [{ id: lint.id, citation: lint.citation, message }];
    });
    return [...lintParsed(certificate.tbs, context), ...outer];
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return [unreadable(error)];
  }
}

function signatureForm({ signature, signatureAlgorithm }: ParsedCertificate): string | undefined {
  if (signatureAlgorithm.name?.startsWith("rsa") === true) {
    return signature.length < 256 ? `An RSA signature of ${signature.length} octets is too short.` : undefined;
  }
  if (signatureAlgorithm.name === undefined) return undefined;
  try {
    checkEcdsaSignature(signature, 66);
    return undefined;
  } catch (error) {
    return error instanceof PkiError ? error.message : undefined;
  }
}

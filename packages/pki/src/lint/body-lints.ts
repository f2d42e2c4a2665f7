import { TAG } from "../der/tags.ts";
import { keyForm } from "../keys/spki.ts";
import { describeAlgorithm, hasProperParameters } from "../signature-algorithm.ts";
import type { Lint } from "./lint.ts";

const FIRST_GENERALIZED_MS = Date.UTC(2050, 0, 1);

/** Version, serial number, algorithms, validity and key. */
export const BODY_LINTS: readonly Lint[] = [
  {
    id: "version_3",
    citation: "RFC 5280 §4.1.2.1",
    check: (tbs) => (tbs.version === 3 ? undefined : `The version is ${tbs.version}; with extensions it must be 3.`),
  },
  {
    id: "serial_positive",
    citation: "RFC 5280 §4.1.2.2",
    check: ({ serial }) =>
      serial[0]! >= 0x80 || serial.every((octet) => octet === 0) ? "The serial number is not positive." : undefined,
  },
  {
    id: "serial_at_most_20_octets",
    citation: "RFC 5280 §4.1.2.2",
    check: ({ serial }) => (serial.length > 20 ? `The serial number has ${serial.length} octets.` : undefined),
  },
  {
    id: "serial_unpredictable",
    citation: "CA/Browser Forum BR §7.1 (64 bits from a CSPRNG)",
    check: ({ serial }) =>
      serial.length < 9 ? `A serial number of ${serial.length} octets can be guessed.` : undefined,
  },
  {
    id: "signature_algorithm_accepted",
    citation: "RFC 5280 §4.1.1.2, NIST SP 800-131A §3",
    check: ({ signatureAlgorithm: { name, oid } }) =>
      name === undefined ? `Signatures by ${describeAlgorithm(oid)} are not accepted.` : undefined,
  },
  {
    id: "signature_parameters",
    citation: "RFC 5758 §3.2, RFC 4055 §5",
    check: ({ signatureAlgorithm }) =>
      signatureAlgorithm.name === undefined || hasProperParameters(signatureAlgorithm)
        ? undefined
        : "The signature algorithm has parameters that its specification does not allow.",
  },
  {
    id: "not_before_form",
    citation: "RFC 5280 §4.1.2.5",
    check: ({ notBefore }) => timeForm("notBefore", notBefore),
  },
  {
    id: "not_after_form",
    citation: "RFC 5280 §4.1.2.5",
    check: ({ notAfter }) => timeForm("notAfter", notAfter),
  },
  {
    id: "validity_order",
    citation: "RFC 5280 §4.1.2.5",
    check: ({ notBefore, notAfter }) =>
      notBefore.ms > notAfter.ms ? "The certificate ends before it begins." : undefined,
  },
  {
    id: "unique_ids_absent",
    citation: "RFC 5280 §4.1.2.8",
    check: ({ hasUniqueIds }) => (hasUniqueIds ? "issuerUniqueID or subjectUniqueID is present." : undefined),
  },
  {
    id: "public_key_accepted",
    citation: "RFC 5480 §2, RFC 3279 §2.3.1, CA/Browser Forum BR §6.1.5",
    check: ({ spki }) =>
      keyForm(spki) === undefined
        ? "The public key is not a named P-256, P-384 or P-521 point or an RSA key of 2048, 3072 or 4096 bits with e = 65537."
        : undefined,
  },
  {
    id: "rsa_modulus_odd",
    citation: "CA/Browser Forum BR §6.1.6",
    check: ({ spki }) => {
      const last = keyForm(spki)?.modulus?.at(-1);
      return last !== undefined && (last & 1) === 0 ? "The RSA modulus is even." : undefined;
    },
  },
];

function timeForm(name: string, time: { ms: number; tag: number }): string | undefined {
  const wanted = time.ms < FIRST_GENERALIZED_MS ? TAG.utcTime : TAG.generalizedTime;
  if (time.tag === wanted) return undefined;
  return `${name} must be ${wanted === TAG.utcTime ? "UTCTime through 2049" : "GeneralizedTime from 2050 on"}.`;
}

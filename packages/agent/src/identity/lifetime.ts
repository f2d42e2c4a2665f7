import { parseCertificate } from "@fleetmint/pki";
import type { Identity } from "./state.ts";

/** When the certificate ends, in milliseconds since 1970. */
export function expiryOf(certificatePem: string): number {
  return parseCertificate(certificatePem).notAfterMs;
}

/**
 * Two thirds of the way from the issuing of the certificate to its end. Not from its notBefore: a CA dates that back by an
 * hour or so, and a certificate for half an hour would be due the moment it came.
 */
export function renewalDueAt({ certificatePem, issuedAtMs }: Pick<Identity, "certificatePem" | "issuedAtMs">): number {
  const { notBeforeMs, notAfterMs } = parseCertificate(certificatePem);
  const beginMs = Math.min(Math.max(issuedAtMs, notBeforeMs), notAfterMs);
  return beginMs + Math.floor(((notAfterMs - beginMs) * 2) / 3);
}

import { parseCertificate } from "@fleetmint/pki";

/** When the certificate ends, in milliseconds since 1970. */
export function expiryOf(certificatePem: string): number {
  return parseCertificate(certificatePem).notAfterMs;
}

/** Two thirds of the way from the certificate's first moment to its last. */
export function renewalDueAt(certificatePem: string): number {
  const { notBeforeMs, notAfterMs } = parseCertificate(certificatePem);
  return notBeforeMs + Math.floor(((notAfterMs - notBeforeMs) * 2) / 3);
}

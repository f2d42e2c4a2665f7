import { X509Certificate } from "node:crypto";

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;
const MAX_CERTIFICATES = 200;

/** Every certificate of a PEM text, in order. Throws where one of them cannot be read. */
export function readPemCertificates(pem: string): X509Certificate[] {
  return (pem.match(BLOCK) ?? []).slice(0, MAX_CERTIFICATES).map((block) => new X509Certificate(block));
}

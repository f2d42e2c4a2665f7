import { randomBytes } from "node:crypto";
import {
  createIssuer,
  createIssuingCa,
  createRoot,
  fileSigner,
  generateEcKey,
  type Issued,
  type Issuer,
  type SyncSigner,
} from "@fleetmint/pki";

/** A root and an issuing CA with fresh P-256 keys, as a test or an example needs them. */
export interface ExampleCa {
  readonly root: Issued;
  readonly rootIssuer: Issuer;
  readonly rootSigner: SyncSigner;
  readonly certificate: Issued;
  readonly issuer: Issuer;
  readonly signer: SyncSigner;
}

export const random = { bytes: (length: number): Uint8Array => randomBytes(length) };

export async function exampleCa(nowMs: number = Date.now()): Promise<ExampleCa> {
  const rootSigner = fileSigner(generateEcKey().privateKey);
  const signer = fileSigner(generateEcKey().privateKey);
  const settings = { signatureAlgorithm: "ecdsa-sha256", serialPrefix: 1, random } as const;
  const root = await createRoot(rootSigner, { subject: { commonName: "Example Root" }, nowMs, ...settings });
  const rootIssuer = createIssuer({ certificate: root.der, ...settings });
  const subject = { commonName: "Example Issuing CA" };
  const certificate = await createIssuingCa(rootIssuer, rootSigner, signer.publicKeySpki, { subject, nowMs });
  const issuer = createIssuer({ certificate: certificate.der, ...settings });
  return { root, rootIssuer, rootSigner, certificate, issuer, signer };
}

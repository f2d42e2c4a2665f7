import type { RandomSource } from "../bytes.ts";
import { encodeName, type SubjectFields } from "../certificate/encode-name.ts";
import { checkPublicKey } from "../keys/check-public-key.ts";
import type { Signer } from "../keys/signer.ts";
import { type Issued, issue } from "./issue.ts";
import { buildIssuer, type Issuer } from "./issuer.ts";
import { keyIdentifier } from "./key-identifier.ts";
import { prepare } from "./prepare.ts";

export interface CaRequest {
  readonly subject: SubjectFields;
  readonly nowMs: number;
  readonly validForSeconds?: number;
}

export interface RootRequest extends CaRequest {
  readonly serialPrefix: number;
  readonly random: RandomSource;
}

/**
 * Makes a self-signed root certificate, by the same prepare and issue as any other.
 * @example
 * const signer = fileSigner(generateEcKey().privateKey);
 * const random = { bytes: (length: number) => randomBytes(length) };
 * const request = { subject: { commonName: "Example Root" }, nowMs: Date.now(), serialPrefix: 1, random };
 * const root = parseCertificate((await createRoot(signer, request)).der);
 * assert.equal(isSignedBy(root, root.spki), true);
 */
export async function createRoot(signer: Signer, request: RootRequest): Promise<Issued> {
  const publicKey = checkPublicKey(signer.publicKeySpki);
  const issuer = buildIssuer({
    certificate: undefined,
    name: encodeName(request.subject),
    spki: publicKey.spki,
    keyId: keyIdentifier(publicKey.spki),
    signatureAlgorithm: signer.signatureAlgorithm,
    notBeforeMs: Number.NEGATIVE_INFINITY,
    notAfterMs: Number.POSITIVE_INFINITY,
    pathLength: Number.POSITIVE_INFINITY,
    serialPrefix: request.serialPrefix,
    random: request.random,
  });
  return issue(prepare(issuer, "root", { ...request, publicKey }), signer);
}

/**
 * Has a root certify an issuing CA, which may sign leaves but no further CA.
 * @example
 * const { issuer } = await exampleCa();
 * assert.equal(issuer.certificate?.isCa, true);
 */
export async function createIssuingCa(
  root: Issuer,
  rootSigner: Signer,
  caSpki: Uint8Array,
  request: CaRequest,
): Promise<Issued> {
  const publicKey = checkPublicKey(caSpki);
  return issue(prepare(root, "issuing-ca", { ...request, publicKey }), rootSigner);
}

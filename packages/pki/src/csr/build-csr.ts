import { encodeName, type SubjectFields } from "../certificate/encode-name.ts";
import { bitString, explicit, sequence, smallInteger } from "../der/writer.ts";
import type { Signer } from "../keys/signer.ts";
import { pemEncode } from "../pem.ts";
import { algorithmIdentifier } from "../signature-algorithm.ts";

export interface CsrRequest {
  readonly subject: SubjectFields;
}

/**
 * Makes a PKCS#10 request (RFC 2986) for whatever key the signer holds, be it in a file or inside a token.
 * @example
 * const { der } = await buildCsr({ subject: { serialNumber: "A-1" } }, fileSigner(generateEcKey().privateKey));
 * assert.equal(parseCsr(der).subject.serialNumber, "A-1");
 */
export async function buildCsr(request: CsrRequest, signer: Signer): Promise<{ der: Uint8Array; pem: string }> {
  const info = sequence(smallInteger(0), encodeName(request.subject), signer.publicKeySpki, explicit(0));
  const signature = await signer.sign(info);
  const der = sequence(info, algorithmIdentifier(signer.signatureAlgorithm), bitString(signature));
  return { der, pem: pemEncode(der, "CERTIFICATE REQUEST") };
}

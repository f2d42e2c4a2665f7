import { pemEncode } from "@fleetmint/pki";
import type { CreateCertificateFromCsrResponse, CreateKeysAndCertificateResponse } from "@fleetmint/wire";
import type { CertificateRequest, RequestedCertificate } from "../../enrollment/request-certificate.ts";
import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import { textField } from "./fields.ts";

type Fields = Readonly<Record<string, unknown>>;

/** CreateCertificateFromCsr: `{certificateSigningRequest}`, PEM of at most 4,096 characters. */
export function readCsrRequest(fields: Fields): CertificateRequest["key"] {
  const pem = textField(fields, "certificateSigningRequest");
  if (pem === undefined) throw new Fault("payload_malformed", 'The field "certificateSigningRequest" is missing.');
  if (pem.length > LIMITS.csrCharacters) {
    throw new Fault("csr_malformed", `The CSR has ${pem.length} characters; at most ${LIMITS.csrCharacters} are read.`);
  }
  return { kind: "csr", pem };
}

/** CreateKeysAndCertificate: empty, or `{keyAlgorithm: "EC_P256" | "RSA_2048"}` as an addition of ours. */
export function readKeysRequest(fields: Fields): CertificateRequest["key"] {
  const algorithm = textField(fields, "keyAlgorithm");
  if (algorithm !== undefined && algorithm !== "EC_P256" && algorithm !== "RSA_2048") {
    throw new Fault("key_algorithm_refused", 'The field "keyAlgorithm" must be EC_P256 or RSA_2048.');
  }
  return { kind: "make", algorithm };
}

/** The leaf alone: shipped firmware drops an answer of more than 2,048 bytes. */
export function certificateAnswer(
  requested: RequestedCertificate,
): CreateCertificateFromCsrResponse | CreateKeysAndCertificateResponse {
  const answer = {
    certificateId: requested.certificate.certificateId,
    certificatePem: pemEncode(requested.certificate.der, "CERTIFICATE"),
    certificateOwnershipToken: requested.ownershipToken,
  };
  return requested.privateKeyPem === undefined ? answer : { ...answer, privateKey: requested.privateKeyPem };
}

// X.509 for device identities: requests in, certificates out. Private keys are only ever reached through a Signer.

export type { RandomSource } from "./bytes.ts";
export { encodeName, type SubjectFields } from "./certificate/encode-name.ts";
export {
  certificateId,
  isSignedBy,
  type ParsedCertificate,
  parseCertificate,
} from "./certificate/parse-certificate.ts";
export { type ParsedTbs, parseTbs } from "./certificate/parse-tbs.ts";
export type { BasicConstraints, Extension, KeyUsage, ParsedKeyUsage } from "./certificate/read-extensions.ts";
export type { GeneralName, GeneralNameType } from "./certificate/read-general-names.ts";
export { attributeValues, type NameAttribute, type ParsedName } from "./certificate/read-name.ts";
export { buildCsr, type CsrRequest } from "./csr/build-csr.ts";
export { type Csr, parseCsr } from "./csr/parse-csr.ts";
export { verifyCsr } from "./csr/verify-csr.ts";
export { encodeOid, OID, readOid } from "./der/oid.ts";
export * from "./der/reader.ts";
export { TAG } from "./der/tags.ts";
export { type DerTime, encodeTime, NO_EXPIRY_MS, readTime } from "./der/time.ts";
export * as derWriter from "./der/writer.ts";
export type { AlternativeNames } from "./issue/alternative-names.ts";
export { type CaRequest, createIssuingCa, createRoot, type RootRequest } from "./issue/create-ca.ts";
export { type Issued, issue } from "./issue/issue.ts";
export { createIssuer, type Issuer, type IssuerOptions } from "./issue/issuer.ts";
export { keyIdentifier } from "./issue/key-identifier.ts";
export { type IssueRequest, prepare } from "./issue/prepare.ts";
export type { Prepared } from "./issue/prepared.ts";
export { PROFILES, type Profile, type ProfileName } from "./issue/profiles.ts";
export { checkPublicKey, type KeyInfo, type KeyPolicy } from "./keys/check-public-key.ts";
export { ecdsaSignatureToDer } from "./keys/ecdsa-signature.ts";
export { type GeneratedKey, generateEcKey } from "./keys/generate-ec-key.ts";
export { generateRsaKey, type RsaKeyPool, type RsaKeyPoolOptions, rsaKeyPool } from "./keys/rsa-key-pool.ts";
export { openKey, openPrivateKey, type SealingSecret, sealKey } from "./keys/sealed-key.ts";
export { fileSigner, type Signer, type SyncSigner } from "./keys/signer.ts";
export type { KeyAlgorithm } from "./keys/spki.ts";
export type { Finding, Lint, LintContext } from "./lint/lint.ts";
export { CERTIFICATE_LINTS, lintCertificate } from "./lint/lint-certificate.ts";
export { lintTbs, TBS_LINTS } from "./lint/lint-tbs.ts";
export { type PemOptions, pemDecode, pemDecodeAll, pemEncode } from "./pem.ts";
export { PkiError, type PkiErrorCode } from "./pki-error.ts";
export type { AlgorithmIdentifier, KnownSignatureAlgorithm, SignatureAlgorithm } from "./signature-algorithm.ts";

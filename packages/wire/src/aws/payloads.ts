// What fleet provisioning carries. All values are text; CBOR is a map with text keys, definite lengths, no tags.

/** Empty in AWS's guide; the SDKs send `{}`. `keyAlgorithm` is ours: RSA where a device cannot do P-256. */
export interface CreateKeysAndCertificateRequest {
  readonly keyAlgorithm?: "EC_P256" | "RSA_2048";
}

export interface CreateKeysAndCertificateResponse {
  /** Lower-case hexadecimal SHA-256 of the certificate's DER, 64 characters. */
  readonly certificateId: string;
  /** The leaf alone, so that the whole answer fits the buffers of shipped firmware. */
  readonly certificatePem: string;
  /** PKCS#8 PEM; sent once, never stored. */
  readonly privateKey: string;
  /** At most 512 characters, good for an hour. */
  readonly certificateOwnershipToken: string;
}

export interface CreateCertificateFromCsrRequest {
  /** PEM, at most 4,096 characters. */
  readonly certificateSigningRequest: string;
}

export interface CreateCertificateFromCsrResponse {
  readonly certificateOwnershipToken: string;
  readonly certificateId: string;
  readonly certificatePem: string;
}

export interface RegisterThingRequest {
  readonly certificateOwnershipToken: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface RegisterThingResponse {
  readonly deviceConfiguration: Readonly<Record<string, string>>;
  /** Absent when the template declares no thing. */
  readonly thingName?: string;
}

export interface RenewRequest {
  readonly certificateOwnershipToken: string;
}

export interface RenewResponse {
  readonly thingName?: string;
}

/** On `…/rejected`. */
export interface ErrorResponse {
  readonly statusCode: number;
  readonly errorCode: string;
  /** A sentence that says what happened and what to do, then our reason code in brackets. */
  readonly errorMessage: string;
}

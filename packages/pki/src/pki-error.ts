/** Why something was refused. The first four are what a device's request can be told; the rest concern files and callers. */
export type PkiErrorCode =
  | "csr_malformed"
  | "csr_signature_invalid"
  | "key_algorithm_refused"
  | "key_weak"
  | "certificate_malformed"
  | "der_malformed"
  | "pem_malformed"
  | "request_invalid"
  | "issuer_unusable"
  | "lint_failed"
  | "prepared_spent"
  | "signer_mismatch"
  | "sealed_key_malformed"
  | "passphrase_wrong"
  | "pool_full"
  | "pool_closed";

/** An expected refusal: `code` is for programs, the message is a sentence that names the place and the remedy. */
export class PkiError extends Error {
  override readonly name = "PkiError";
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type EgressErrorKind =
  | "refused-address"
  | "timeout"
  | "too-large"
  | "redirect"
  | "tls"
  | "unreachable"
  | "status";

/** Why a call out brought no answer; the message is a sentence for the operator of the server. */
export class EgressError extends Error {
  override readonly name = "EgressError";
  readonly kind: EgressErrorKind;

  constructor(kind: EgressErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Brings what sockets, TLS and undici throw into our few kinds. */
export function classifyEgressError(error: unknown, host: string): EgressError {
  if (error instanceof EgressError) return error;
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message.slice(0, 200) : "";
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return new EgressError("too-large", `${host} answered with too many headers.`, { cause: error });
  }
  if (TLS_CODE.test(code)) {
    return new EgressError("tls", `The TLS connection to ${host} failed: ${detail || code}.`, { cause: error });
  }
  return new EgressError("unreachable", `${host} could not be reached: ${code || detail}.`, { cause: error });
}

/** OpenSSL's verification results come without a common prefix. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|EPROTO$)/;

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  // Several addresses were tried and each failed in its own way: the first tells the story.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = (first as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

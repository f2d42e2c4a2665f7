import type { Problem } from "@fleetmint/wire/v1";

/**
 * A request that was not granted, or that never reached the server.
 *
 * `code` is one of the server's reason codes (docs/reference/reason-codes.md), or one of ours: `unreachable` (no
 * connection), `server_untrusted` (its certificate is not of the pinned CA or another name's), `answer_invalid` (whoever
 * answered is no Fleetmint server), `input_invalid` (a path field is missing).
 */
export class FleetmintError extends Error {
  override readonly name = "FleetmintError";
  readonly code: string;
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What to do about it. */
  readonly remedy: string;
  /** The id under which the server's log has the details of an internal error. */
  readonly instance: string | undefined;

  constructor(problem: Pick<Problem, "code" | "detail" | "remedy" | "status" | "instance">, options?: ErrorOptions) {
    super(problem.detail, options);
    this.code = problem.code;
    this.status = problem.status;
    this.remedy = problem.remedy;
    this.instance = problem.instance;
  }
}

/** Node's and OpenSSL's words for a server whose certificate does not prove that it is the right one. */
const UNTRUSTED =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** What went wrong before there was an answer. */
export function connectionError(url: string, cause: unknown): FleetmintError {
  const root = rootOf(cause);
  const why = root.message === "" ? root.code : root.message;
  if (UNTRUSTED.test(root.code)) {
    return new FleetmintError(
      {
        code: "server_untrusted",
        status: 0,
        detail: `The server at ${url} does not prove that it is yours: ${why}.`,
        remedy: "Give the CA of this installation (ca.pem of its data folder) and a name that its certificate carries.",
      },
      { cause },
    );
  }
  return new FleetmintError(
    {
      code: "unreachable",
      status: 0,
      detail: `No server answers at ${url}: ${why}.`,
      remedy: "Start it with `fleetmint serve --data DIR`, or check the address.",
    },
    { cause },
  );
}

function rootOf(error: unknown): { readonly code: string; readonly message: string } {
  let current = error as { code?: unknown; message?: unknown; cause?: unknown };
  // fetch wraps what happened once or twice; a cycle would be a bug of somebody else's, bounded here.
  for (let depth = 0; depth < 5 && current.cause instanceof Error; depth++) current = current.cause as typeof current;
  return { code: String(current.code ?? ""), message: String(current.message ?? current) };
}

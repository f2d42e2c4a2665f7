/** Who has to act: the caller's command line or file, the server's operator, or only time. */
export type FaultKind = "usage" | "refused" | "temporary";

export interface FaultReport {
  readonly kind: FaultKind;
  /** For programs; the server's own reason code where there is one. */
  readonly reason: string;
  /** What happened, as one sentence. */
  readonly message: string;
  /** To which host, path or key it happened. */
  readonly at: string;
  /** Which command or setting mends it. */
  readonly fix: string;
}

/** Anything that we foresaw going wrong, with the three lines that a person needs. Whatever else is thrown is a bug. */
export class AgentFault extends Error {
  override readonly name = "AgentFault";
  readonly kind: FaultKind;
  readonly reason: string;
  readonly at: string;
  readonly fix: string;

  constructor(report: FaultReport, options?: ErrorOptions) {
    super(report.message, options);
    this.kind = report.kind;
    this.reason = report.reason;
    this.at = report.at;
    this.fix = report.fix;
  }
}

/** The code of a Node or OpenSSL error, for example ECONNREFUSED; empty where there is none. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The three lines as plain values, for another process or for `-o json`. */
export function faultReport({ kind, reason, message, at, fix }: AgentFault): FaultReport {
  return { kind, reason, message, at, fix };
}

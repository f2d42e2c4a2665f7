import { X509Certificate } from "node:crypto";
import { checkServerIdentity, type TLSSocket } from "node:tls";
import { AgentFault, errorCode } from "../agent-fault.ts";
import type { TrustedTime } from "../identity/trusted-time.ts";
import { readPemCertificates } from "./pem-certificates.ts";
import { verifyChainAtFloor } from "./verify-chain.ts";

/** Which server we mean, and what says that it is the one. */
export interface ServerTarget {
  readonly host: string;
  readonly port: number;
  /** PEM of the CA certificates, and nothing else is trusted. */
  readonly rootCaPem: string;
  readonly rootCaPath: string;
}

/**
 * Judges the certificate of a server whose handshake has ended and to which nothing was sent but a hello.
 * Returns or throws an AgentFault; a moment that the certificates prove to have passed is noted in `time`.
 *
 * OpenSSL judges chain, purpose, validity and name. One verdict of it is not final: "not yet valid" on a device whose
 * clock is behind. There the chain is judged again without the clock, see verify-chain.ts.
 */
export function checkServer(socket: TLSSocket, target: ServerTarget, time: TrustedTime): void {
  const verdict = verdictOf(socket);
  const chain = presentedChain(socket);
  if (verdict === "CERT_NOT_YET_VALID") {
    checkName(socket, target);
    verifyChainAtFloor(chain, readPemCertificates(target.rootCaPem), time.floorMs(), (problem) =>
      foreign(target, problem),
    );
  } else if (verdict !== "") {
    throw refusal(verdict, target, chain[0], time);
  }
  for (const certificate of chain) time.raise(certificate.validFromDate.getTime());
}

function verdictOf(socket: TLSSocket): string {
  if (socket.authorized) return "";
  const error: unknown = socket.authorizationError;
  // Node's types say Error; at run time it is a code, and an Error only from a custom check.
  return typeof error === "string" ? error : errorCode(error) || "UNKNOWN";
}

/** The server's certificate and those above it, as far as it sent or we know them; never longer than OpenSSL's limit. */
function presentedChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let detail = socket.getPeerCertificate(true);
  while (detail?.raw !== undefined && chain.length < 10) {
    chain.push(new X509Certificate(detail.raw));
    if (detail.issuerCertificate === detail) break;
    detail = detail.issuerCertificate;
  }
  return chain;
}

/** Node leaves the name unchecked where the chain has already failed. */
function checkName(socket: TLSSocket, target: ServerTarget): void {
  const error = checkServerIdentity(target.host, socket.getPeerCertificate(true));
  if (error !== undefined) throw wrongName(target, new X509Certificate(socket.getPeerCertificate(true).raw));
}

function refusal(
  verdict: string,
  target: ServerTarget,
  leaf: X509Certificate | undefined,
  time: TrustedTime,
): AgentFault {
  if (verdict === "ERR_TLS_CERT_ALTNAME_INVALID") return wrongName(target, leaf);
  if (verdict === "CERT_HAS_EXPIRED") return expired(target, leaf, time);
  return foreign(target, `OpenSSL says ${verdict}`);
}

function wrongName(target: ServerTarget, leaf: X509Certificate | undefined): AgentFault {
  const names = leaf?.subjectAltName ?? "no name at all";
  return serverFault(target, {
    reason: "server_name_mismatch",
    message: `The server's certificate is for ${names}, not for "${target.host}". Nothing was sent to it.`,
    fix: `set "endpoint" to a name in the certificate, or make the server's certificate for this name (fleetmint init --hostname ${target.host})`,
  });
}

function expired(target: ServerTarget, leaf: X509Certificate | undefined, time: TrustedTime): AgentFault {
  const end =
    leaf === undefined
      ? ""
      : ` It ended at ${leaf.validToDate.toISOString()}; this device's clock says ${isoTime(time.now())}.`;
  return serverFault(target, {
    reason: "server_certificate_expired",
    message: `The server's certificate, or one above it, has expired.${end} Nothing was sent to it.`,
    fix: "renew the server's certificate, or correct this device's clock if it is ahead",
  });
}

function foreign(target: ServerTarget, detail: string): AgentFault {
  return serverFault(target, {
    reason: "server_not_trusted",
    message: `The server's certificate does not come from the configured CA (${detail}). Nothing was sent to it.`,
    fix: 'check that "endpoint" is your server, and that "root-ca" is the ca.pem that came with the claim',
  });
}

function serverFault(target: ServerTarget, report: { reason: string; message: string; fix: string }): AgentFault {
  const at = `${target.host}:${target.port}, root-ca ${target.rootCaPath}`;
  return new AgentFault({ kind: "refused", ...report, at });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

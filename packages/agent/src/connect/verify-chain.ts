import type { X509Certificate } from "node:crypto";
import { isSignedBy, parseCertificate } from "@fleetmint/pki";

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SUBJECT_ALT_NAME = "2.5.29.17";
const NAME_CONSTRAINTS = "2.5.29.30";
/** A certificate may make these critical, because they are checked; any other critical extension refuses it. */
const CHECKED: ReadonlySet<string> = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALT_NAME]);

/**
 * Verifies a server's chain without a clock, for a device whose clock is behind (it typically reads 1970).
 *
 * Why this is sound: signatures, issuer names, CA flags and path lengths, purpose and trust anchor are checked as ever,
 * and the caller has checked the name. Only "notBefore has passed" cannot be known here, and it need not be: a CA that
 * we trust signed this certificate, so the moment of signing has passed. "notAfter has not passed" is checked against
 * the best lower bound of the time: the floor, raised by every notBefore of the chain. What an attacker gains from
 * a device without a clock is the use of a stolen server key whose certificate ended after that bound: the residual risk,
 * named in the threat model. The check is stricter than OpenSSL's where Node's interface says less: name constraints
 * and unknown critical extensions refuse.
 */
export function verifyChainAtFloor(
  presented: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  floorMs: number,
  refuse: (problem: string) => Error,
): void {
  const path = findPath(presented, anchors);
  if (path === undefined) throw refuse("no signed path leads to it");
  const leaf = path[0]!;
  if (leaf.ca) throw refuse("it is a CA's own certificate");
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(SERVER_AUTH)) throw refuse("it is not for servers");
  for (const [depth, certificate] of path.entries()) checkCertificate(certificate, depth, refuse);
  const nowMs = Math.max(floorMs, ...path.map((certificate) => certificate.validFromDate.getTime()));
  const ended = path.find((certificate) => certificate.validToDate.getTime() < nowMs);
  if (ended !== undefined) throw refuse(`"${ended.subject}" ended before a moment that has certainly passed`);
}

/** From the leaf up to an anchor; every step signed. Undefined where there is none. */
function findPath(
  presented: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): X509Certificate[] | undefined {
  const path = presented.slice(0, 1);
  while (path.length > 0 && path.length <= presented.length + 1) {
    const last = path.at(-1)!;
    if (anchors.some((anchor) => anchor.fingerprint256 === last.fingerprint256)) return path;
    const issuer = [...anchors, ...presented].find((candidate) => issued(candidate, last));
    if (issuer === undefined || path.some((each) => each.fingerprint256 === issuer.fingerprint256)) return undefined;
    path.push(issuer);
  }
  return undefined;
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return (
    issuer.ca && certificate.checkIssued(issuer) && isSignedBy(parseCertificate(certificate.raw), issuer.publicKey)
  );
}

/** `depth` certificates stand between this one and the leaf, the leaf included. */
function checkCertificate(certificate: X509Certificate, depth: number, refuse: (problem: string) => Error): void {
  const { extensions, tbs } = parseCertificate(certificate.raw);
  const unknown = extensions.find(({ oid, critical }) => oid === NAME_CONSTRAINTS || (critical && !CHECKED.has(oid)));
  if (unknown !== undefined)
    throw refuse(`"${certificate.subject}" has the extension ${unknown.oid}, not checked here`);
  const limit = tbs.basicConstraints?.pathLength;
  if (depth > 0 && limit !== undefined && depth - 1 > limit)
    throw refuse(`"${certificate.subject}" allows no such long path`);
}

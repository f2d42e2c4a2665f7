import { sameBytes } from "../bytes.ts";
import { encodeName, type SubjectFields } from "../certificate/encode-name.ts";
import { encodeTime } from "../der/time.ts";
import { sequence } from "../der/writer.ts";
import type { KeyInfo } from "../keys/check-public-key.ts";
import { lintTbs } from "../lint/lint-tbs.ts";
import { PkiError } from "../pki-error.ts";
import { type AlternativeNames, encodeAlternativeNames } from "./alternative-names.ts";
import type { Issuer } from "./issuer.ts";
import { keyIdentifier } from "./key-identifier.ts";
import { Prepared } from "./prepared.ts";
import { PROFILES, type Profile, type ProfileName } from "./profiles.ts";
import { fillTemplate, SERIAL_OCTETS } from "./template.ts";

export interface IssueRequest {
  /** From `verifyCsr` or `checkPublicKey`. Nothing else of a CSR is ever used. */
  readonly publicKey: KeyInfo;
  readonly subject: SubjectFields;
  readonly nowMs: number;
  /** Counted from `nowMs`; the profile's default, and never beyond the issuer's own end. */
  readonly validForSeconds?: number;
  readonly alternativeNames?: AlternativeNames;
}

/**
 * Makes the body of a certificate and has the linter read it back. What it returns can be recorded, then issued, once.
 * @example
 * const { issuer } = await exampleCa();
 * const publicKey = checkPublicKey(generateEcKey().spki);
 * const prepared = prepare(issuer, "device", { publicKey, subject: { commonName: "A device" }, nowMs: Date.now() });
 * assert.match(prepared.serial, /^01[0-9a-f]{36}$/);
 */
export function prepare(issuer: Issuer, profileName: ProfileName, request: IssueRequest): Prepared {
  const profile = PROFILES[profileName];
  checkIssuer(issuer, profile, request);
  const validity = validityOf(issuer, profile, request);
  const serial = newSerial(issuer);
  const { publicKey } = request;
  const tbs = fillTemplate(issuer.template(profileName), {
    serial,
    validity: encodeValidity(validity),
    subject: encodeSubject(request.subject),
    spki: publicKey.spki,
    subjectKeyId: keyIdentifier(publicKey.spki),
    alternativeNames: namesOf(profile, request),
  });
  const findings = lintTbs(tbs, { profile: profileName, issuer, expected: { serial, spki: publicKey.spki } });
  if (findings.length > 0) {
    const list = findings.map((finding) => `${finding.id}: ${finding.message}`).join(" ");
    throw new PkiError("lint_failed", `The ${profileName} certificate is not issued. ${list}`);
  }
  return new Prepared({
    tbs,
    issuer,
    profile: profileName,
    serial,
    ...validity,
    publicKeyFingerprint: publicKey.fingerprint,
  });
}

function checkIssuer(issuer: Issuer, profile: Profile, request: IssueRequest): void {
  if (profile.isCa && issuer.certificate !== undefined && issuer.pathLength < 1 + (profile.pathLength ?? 0)) {
    throw new PkiError("issuer_unusable", "The issuer's path length leaves no room for another CA below it.");
  }
  const own = sameBytes(request.publicKey.spki, issuer.spki);
  if (own !== (issuer.certificate === undefined)) {
    throw new PkiError(
      "request_invalid",
      "A CA certifies its own key only in its root certificate, and there no other.",
    );
  }
}

function validityOf(
  issuer: Issuer,
  profile: Profile,
  request: IssueRequest,
): { notBeforeMs: number; notAfterMs: number } {
  const seconds = request.validForSeconds ?? profile.defaultValidSeconds;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > profile.maxValidSeconds) {
    const range = `1 to ${profile.maxValidSeconds} seconds`;
    throw new PkiError("request_invalid", `The profile ${profile.name} allows a validity of ${range}, not ${seconds}.`);
  }
  // Written so that NaN is refused as well.
  if (!(request.nowMs >= issuer.notBeforeMs && request.nowMs < issuer.notAfterMs)) {
    throw new PkiError(
      "issuer_unusable",
      "The issuer's certificate is not valid now; check the clock, or renew the issuer.",
    );
  }
  const nowMs = wholeSeconds(request.nowMs);
  const notBeforeMs = Math.max(nowMs - profile.backdateSeconds * 1000, issuer.notBeforeMs);
  return { notBeforeMs, notAfterMs: Math.min(nowMs + seconds * 1000, issuer.notAfterMs) };
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

let lastValidity: { notBeforeMs: number; notAfterMs: number; der: Uint8Array } = {
  notBeforeMs: Number.NaN,
  notAfterMs: Number.NaN,
  der: new Uint8Array(0),
};

/** Times count whole seconds, so that under load many certificates in a row have the same ones. */
function encodeValidity({ notBeforeMs, notAfterMs }: { notBeforeMs: number; notAfterMs: number }): Uint8Array {
  if (notBeforeMs !== lastValidity.notBeforeMs || notAfterMs !== lastValidity.notAfterMs) {
    lastValidity = { notBeforeMs, notAfterMs, der: sequence(encodeTime(notBeforeMs), encodeTime(notAfterMs)) };
  }
  return lastValidity.der;
}

function newSerial(issuer: Issuer): Uint8Array {
  const serial = new Uint8Array(SERIAL_OCTETS);
  serial[0] = issuer.serialPrefix;
  serial.set(issuer.random.bytes(SERIAL_OCTETS - 1), 1);
  return serial;
}

function encodeSubject(subject: SubjectFields): Uint8Array {
  if (subject.commonName === undefined)
    throw new PkiError("request_invalid", "Every profile needs a subject.commonName.");
  return encodeName(subject);
}

function namesOf(profile: Profile, request: IssueRequest): Uint8Array | undefined {
  const { dns = [], ip = [], uri = [] } = request.alternativeNames ?? {};
  const addresses = dns.length + ip.length;
  const fits = {
    none: addresses + uri.length === 0,
    addresses: addresses > 0 && uri.length === 0,
    "optional-uri": addresses === 0 && uri.length <= 1,
  }[profile.alternativeNames];
  if (!fits) {
    const rule = {
      none: "has none",
      addresses: "needs dns or ip names and nothing else",
      "optional-uri": "has at most one uri",
    };
    throw new PkiError(
      "request_invalid",
      `Alternative names: the profile ${profile.name} ${rule[profile.alternativeNames]}.`,
    );
  }
  return encodeAlternativeNames({ dns, ip, uri });
}

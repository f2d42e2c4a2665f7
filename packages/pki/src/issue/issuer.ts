import { hash } from "node:crypto";
import type { RandomSource } from "../bytes.ts";
import { type ParsedCertificate, parseCertificate } from "../certificate/parse-certificate.ts";
import { keyForm } from "../keys/spki.ts";
import { PkiError } from "../pki-error.ts";
import { algorithmIdentifier, type SignatureAlgorithm } from "../signature-algorithm.ts";
import { keyIdentifier } from "./key-identifier.ts";
import { PROFILES, type ProfileName } from "./profiles.ts";
import { createTemplate, type Template } from "./template.ts";

export interface IssuerOptions {
  /** The CA's own certificate, PEM or DER. */
  readonly certificate: string | Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** The first octet of every serial number, 0x01 to 0x7f: the installation's epoch, so that a restored one never repeats itself. */
  readonly serialPrefix: number;
  readonly random: RandomSource;
}

/** A CA without its key: what the certificates that it issues have in common, encoded once per profile. */
export interface Issuer {
  /** Undefined only while a root makes its own certificate. */
  readonly certificate: ParsedCertificate | undefined;
  readonly name: Uint8Array;
  readonly spki: Uint8Array;
  readonly publicKeyFingerprint: string;
  readonly keyId: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly algorithmDer: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** How many CAs may stand below; Infinity where the certificate does not say. */
  readonly pathLength: number;
  readonly serialPrefix: number;
  readonly random: RandomSource;
  /** The static bytes for one profile. */
  template(profile: ProfileName): Template;
}

/**
 * Precomputes a CA's templates. The key stays with the signer that `issue` is given.
 * @example
 * const { issuer } = await exampleCa();
 * assert.equal(issuer.pathLength, 0);
 */
export function createIssuer(options: IssuerOptions): Issuer {
  const certificate = parseCertificate(options.certificate);
  const { tbs } = certificate;
  if (!certificate.isCa || tbs.keyUsage?.usages.has("keyCertSign") === false) {
    throw new PkiError("issuer_unusable", "The issuer's certificate is not a CA's: it may not sign certificates.");
  }
  return buildIssuer({
    ...options,
    certificate,
    name: certificate.subject.der,
    spki: certificate.spki,
    keyId: certificate.subjectKeyId ?? keyIdentifier(certificate.spki),
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
    pathLength: tbs.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY,
  });
}

type IssuerFacts = Omit<Issuer, "template" | "algorithmDer" | "publicKeyFingerprint">;

/** Also used for a root, which signs before its own certificate exists. */
export function buildIssuer(facts: IssuerFacts): Issuer {
  const { serialPrefix, spki, signatureAlgorithm } = facts;
  if (!Number.isInteger(serialPrefix) || serialPrefix < 1 || serialPrefix > 0x7f) {
    throw new PkiError(
      "request_invalid",
      `The serial prefix is ${serialPrefix}; it must be a whole number from 1 to 127.`,
    );
  }
  const form = keyForm(spki);
  const fits = form?.algorithm.startsWith(signatureAlgorithm === "rsa-sha256" ? "rsa" : "ec");
  if (fits !== true) throw new PkiError("issuer_unusable", `The issuer's key cannot sign with ${signatureAlgorithm}.`);
  const algorithmDer = algorithmIdentifier(signatureAlgorithm);
  const templates = new Map<ProfileName, Template>();
  return {
    ...facts,
    algorithmDer,
    publicKeyFingerprint: hash("sha256", spki, "hex"),
    template(name) {
      const known = templates.get(name);
      if (known !== undefined) return known;
      const template = templateFor(name, facts, algorithmDer);
      templates.set(name, template);
      return template;
    },
  };
}

function templateFor(name: ProfileName, facts: IssuerFacts, algorithm: Uint8Array): Template {
  const authorityKeyId = facts.certificate === undefined ? undefined : facts.keyId;
  return createTemplate(PROFILES[name], { algorithm, issuer: facts.name, authorityKeyId });
}

import { OID, readOid } from "../der/oid.ts";
import {
  checkWellFormed,
  type DerContext,
  type DerReader,
  openDer,
  readInteger,
  readOctetAlignedBits,
} from "../der/reader.ts";
import { contextConstructed, TAG } from "../der/tags.ts";
import { pemDecode } from "../pem.ts";
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "../signature-algorithm.ts";
import { displayAttribute } from "./display-attribute.ts";

/** Generous for RSA-4096 with attributes, small enough to refuse before any work. */
const MAX_CSR_BYTES = 8 * 1024;
const MAX_CSR_CHARACTERS = 12 * 1024;
const CONTEXT: DerContext = { code: "csr_malformed", what: "The CSR" };

/** A certification request as read; nothing in it is trusted, and only the public key is ever used. */
export interface Csr {
  readonly der: Uint8Array;
  /** The SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  /** What the requester put in the subject, for people to read. It never reaches a certificate. */
  readonly subject: { readonly commonName: string | undefined; readonly serialNumber: string | undefined };
  /** The signed part (CertificationRequestInfo). */
  readonly info: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Reads a PKCS#10 request (RFC 2986), PEM or DER, strictly: one element, minimal lengths, bounded depth, at most 8 KiB.
 * @example
 * const { pem } = await buildCsr({ subject: { commonName: "pump-7" } }, fileSigner(generateEcKey().privateKey));
 * assert.equal(parseCsr(pem).subject.commonName, "pump-7");
 */
export function parseCsr(pemOrDer: string | Uint8Array): Csr {
  const der = typeof pemOrDer === "string" ? decodeText(pemOrDer) : pemOrDer;
  const request = openDer(der, TAG.sequence, CONTEXT, MAX_CSR_BYTES);
  const infoValue = request.read(TAG.sequence, "its CertificationRequestInfo");
  const { spki, subject } = readInfo(request.into(infoValue));
  const signatureAlgorithm = readAlgorithmIdentifier(request, "its signature algorithm");
  const signature = readOctetAlignedBits(request, "its signature");
  request.finish("its signature");
  return {
    der,
    spki,
    signatureAlgorithm,
    info: request.whole(infoValue),
    signature,
    subject: new DisplayedSubject(subject),
  };
}

/** RFC 7468 §7 lets readers take the older label as well; keytool still writes it. */
function decodeText(text: string): Uint8Array {
  const label = text.includes("BEGIN NEW CERTIFICATE REQUEST") ? "NEW CERTIFICATE REQUEST" : "CERTIFICATE REQUEST";
  return pemDecode(text, label, { code: "csr_malformed", maxCharacters: MAX_CSR_CHARACTERS });
}

function readInfo(info: DerReader): { spki: Uint8Array; subject: Uint8Array } {
  const version = readInteger(info, "its version");
  if (version.length !== 1 || version[0] !== 0) info.fail("is not of version 1 (RFC 2986 §4.1)");
  const subject = info.read(TAG.sequence, "its subject");
  checkName(info.into(subject));
  const key = info.read(TAG.sequence, "its public key");
  checkWellFormed(info.into(key));
  // Attributes are ignored, so that a request can smuggle nothing; they must be readable all the same.
  if (info.more) checkAttributes(info.enter(contextConstructed(0), "its attributes"));
  info.finish("its attributes");
  return { spki: info.whole(key), subject: info.whole(subject) };
}

function checkName(name: DerReader): void {
  while (name.more) {
    const rdn = name.enter(TAG.set, "a relative distinguished name");
    if (!rdn.more) rdn.fail("has an empty relative distinguished name");
    while (rdn.more) {
      const attribute = rdn.enter(TAG.sequence, "a subject attribute");
      readOid(attribute, "a subject attribute");
      attribute.next();
      attribute.finish("a subject attribute");
    }
  }
}

function checkAttributes(attributes: DerReader): void {
  while (attributes.more) {
    const attribute = attributes.enter(TAG.sequence, "an attribute");
    readOid(attribute, "an attribute");
    checkWellFormed(attribute.enter(TAG.set, "an attribute's values"));
    attribute.finish("an attribute");
  }
}

/** Decoded when somebody looks, since the issuing path never does. */
class DisplayedSubject {
  readonly #der: Uint8Array;

  constructor(der: Uint8Array) {
    this.#der = der;
  }

  get commonName(): string | undefined {
    return displayAttribute(this.#der, OID.commonName);
  }

  get serialNumber(): string | undefined {
    return displayAttribute(this.#der, OID.serialNumber);
  }
}

import { encodeOid, OID, readOid } from "./der/oid.ts";
import { checkWellFormed, type DerReader } from "./der/reader.ts";
import { TAG } from "./der/tags.ts";
import { derNull, sequence } from "./der/writer.ts";

/** What our own keys sign with. */
export type SignatureAlgorithm = "ecdsa-sha256" | "ecdsa-sha384" | "rsa-sha256";

/** What a device may sign its request with; P-521 keys need SHA-512, older token firmware likes larger RSA hashes. */
export type KnownSignatureAlgorithm = SignatureAlgorithm | "ecdsa-sha512" | "rsa-sha384" | "rsa-sha512";

interface AlgorithmFacts {
  readonly oid: string;
  readonly family: "ec" | "rsa";
  readonly digest: "sha256" | "sha384" | "sha512";
}

export const SIGNATURE_ALGORITHMS: Readonly<Record<KnownSignatureAlgorithm, AlgorithmFacts>> = {
  "ecdsa-sha256": { oid: OID.ecdsaWithSha256, family: "ec", digest: "sha256" },
  "ecdsa-sha384": { oid: OID.ecdsaWithSha384, family: "ec", digest: "sha384" },
  "ecdsa-sha512": { oid: OID.ecdsaWithSha512, family: "ec", digest: "sha512" },
  "rsa-sha256": { oid: OID.sha256WithRsa, family: "rsa", digest: "sha256" },
  "rsa-sha384": { oid: OID.sha384WithRsa, family: "rsa", digest: "sha384" },
  "rsa-sha512": { oid: OID.sha512WithRsa, family: "rsa", digest: "sha512" },
};

const BY_OID = new Map<string, KnownSignatureAlgorithm>();
for (const [name, facts] of Object.entries(SIGNATURE_ALGORITHMS))
  BY_OID.set(facts.oid, name as KnownSignatureAlgorithm);

/** Names of what is refused, so that the refusal can say more than a number. */
const REFUSED: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.2": "MD2 with RSA",
  "1.2.840.113549.1.1.4": "MD5 with RSA",
  "1.2.840.113549.1.1.5": "SHA-1 with RSA",
  "1.2.840.113549.1.1.10": "RSASSA-PSS",
  "1.2.840.113549.1.1.14": "SHA-224 with RSA",
  "1.2.840.10045.4.1": "SHA-1 with ECDSA",
  "1.2.840.10045.4.3.1": "SHA-224 with ECDSA",
  "1.2.840.10040.4.3": "SHA-1 with DSA",
  "1.3.101.112": "Ed25519",
  "1.3.101.113": "Ed448",
};

export interface AlgorithmIdentifier {
  readonly oid: string;
  /** Undefined for an algorithm that is not accepted anywhere here. */
  readonly name: KnownSignatureAlgorithm | undefined;
  /** RFC 5758 §3.2 wants them absent for ECDSA, RFC 4055 §5 wants NULL for RSA. */
  readonly parameters: "absent" | "null" | "other";
  readonly der: Uint8Array;
}

/** The AlgorithmIdentifier that our signatures carry. */
export function algorithmIdentifier(algorithm: SignatureAlgorithm): Uint8Array {
  const { oid, family } = SIGNATURE_ALGORITHMS[algorithm];
  return family === "rsa" ? sequence(encodeOid(oid), derNull) : sequence(encodeOid(oid));
}

export function readAlgorithmIdentifier(reader: DerReader, name: string): AlgorithmIdentifier {
  const value = reader.read(TAG.sequence, name);
  const inner = reader.into(value);
  const oid = readOid(inner, name);
  const parameters = inner.more ? parameterKind(inner) : "absent";
  inner.finish(name);
  return { oid, name: BY_OID.get(oid), parameters, der: reader.whole(value) };
}

export function hasProperParameters(algorithm: AlgorithmIdentifier): boolean {
  if (algorithm.name === undefined) return false;
  return algorithm.parameters === (SIGNATURE_ALGORITHMS[algorithm.name].family === "rsa" ? "null" : "absent");
}

/** A name for a sentence: "SHA-1 with RSA", or the number where there is none. */
export function describeAlgorithm(oid: string): string {
  return BY_OID.get(oid) ?? REFUSED[oid] ?? `the unknown algorithm ${oid}`;
}

function parameterKind(reader: DerReader): "null" | "other" {
  const value = reader.next();
  if (value.tag === TAG.null && value.contentStart === value.end) return "null";
  if ((value.tag & 0x20) !== 0) checkWellFormed(reader.into(value));
  return "other";
}

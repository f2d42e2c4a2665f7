import { startsWith } from "../bytes.ts";
import { encodeOid, OID } from "../der/oid.ts";
import { bitString, derNull, sequence } from "../der/writer.ts";

export type KeyAlgorithm = "ec-p256" | "ec-p384" | "ec-p521" | "rsa-2048" | "rsa-3072" | "rsa-4096";

export interface KeyForm {
  readonly algorithm: KeyAlgorithm;
  /** Big-endian, for RSA only. */
  readonly modulus?: Uint8Array;
  /** Where the BIT STRING's own octets (the key itself) begin in the SubjectPublicKeyInfo. */
  readonly keyStart: number;
}

interface Layout {
  readonly algorithm: KeyAlgorithm;
  readonly length: number;
  readonly prefix: Uint8Array;
  /** For RSA what must follow the modulus: INTEGER 65537. */
  readonly suffix?: Uint8Array;
}

const ecPrefix = (curve: string, pointOctets: number): Uint8Array =>
  // 0x04: the uncompressed form, which RFC 5480 §2.2 makes the one that everybody must read.
  headOf(
    sequence(sequence(encodeOid(OID.ecPublicKey), encodeOid(curve)), bitString(uncompressed(pointOctets))),
    pointOctets - 1,
  );

const uncompressed = (octets: number): Uint8Array => Uint8Array.of(4, ...new Uint8Array(octets - 1));

const headOf = (whole: Uint8Array, variable: number): Uint8Array => whole.slice(0, whole.length - variable);

const ec = (algorithm: KeyAlgorithm, curve: string, coordinateOctets: number): Layout => {
  const prefix = ecPrefix(curve, 1 + 2 * coordinateOctets);
  return { algorithm, prefix, length: prefix.length + 2 * coordinateOctets };
};

/** INTEGER 65537. */
const EXPONENT = Uint8Array.of(0x02, 0x03, 0x01, 0x00, 0x01);

const rsa = (algorithm: KeyAlgorithm, modulusOctets: number): Layout => {
  const integerOctets = modulusOctets + 1;
  // The leading zero octet: a modulus of exactly this size has its top bit set.
  const modulusHead = Uint8Array.of(0x02, 0x82, integerOctets >> 8, integerOctets & 0xff, 0);
  const body = sequence(modulusHead, new Uint8Array(modulusOctets), EXPONENT);
  const whole = sequence(sequence(encodeOid(OID.rsaEncryption), derNull), bitString(body));
  const prefix = headOf(whole, modulusOctets + EXPONENT.length);
  return { algorithm, prefix, length: whole.length, suffix: EXPONENT };
};

/** A key has a fixed size, so its DER has exactly one form: comparing with it is the strictest parser there is. */
const LAYOUTS: readonly Layout[] = [
  ec("ec-p256", OID.prime256v1, 32),
  ec("ec-p384", OID.secp384r1, 48),
  ec("ec-p521", OID.secp521r1, 66),
  rsa("rsa-2048", 256),
  rsa("rsa-3072", 384),
  rsa("rsa-4096", 512),
];

/** The SubjectPublicKeyInfo of a P-256 point in the uncompressed form. */
export function spkiOfP256(point: Uint8Array): Uint8Array {
  return sequence(P256_ALGORITHM, bitString(point));
}

const P256_ALGORITHM = sequence(encodeOid(OID.ecPublicKey), encodeOid(OID.prime256v1));

/** Recognizes a SubjectPublicKeyInfo of the accepted kinds, byte for byte; undefined for anything else. */
export function keyForm(spki: Uint8Array): KeyForm | undefined {
  const layout = LAYOUTS.find((candidate) => candidate.length === spki.length && startsWith(spki, candidate.prefix));
  if (layout === undefined) return undefined;
  const { algorithm, prefix, suffix } = layout;
  if (suffix === undefined) return { algorithm, keyStart: prefix.length - 1 };
  const modulus = spki.subarray(prefix.length, spki.length - suffix.length);
  if (modulus[0]! < 0x80 || !startsWith(spki.subarray(spki.length - suffix.length), suffix)) return undefined;
  return { algorithm, modulus, keyStart: prefix.length - RSA_BODY_HEAD };
}

/** SEQUENCE header (4) and the modulus INTEGER's header with its zero octet (5) belong to the key itself. */
const RSA_BODY_HEAD = 9;

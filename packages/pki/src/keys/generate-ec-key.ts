import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { pemEncode } from "../pem.ts";
import { spkiOfP256 } from "./spki.ts";

export interface GeneratedKey {
  /** PKCS#8, as devices and SDKs expect it. */
  readonly privateKeyPem: string;
  readonly spki: Uint8Array;
  readonly privateKey: KeyObject;
}

/**
 * A new P-256 key.
 * @example
 * assert.match(generateEcKey().privateKeyPem, /BEGIN PRIVATE KEY/);
 */
export function generateEcKey(): GeneratedKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
  const spki = spkiOfP256(publicPoint(pkcs8));
  const privateKeyPem = pemEncode(pkcs8, "PRIVATE KEY");
  pkcs8.fill(0);
  return { privateKeyPem, spki, privateKey };
}

const POINT_OCTETS = 65;

/** OpenSSL writes the public point last (RFC 5915 §3); taking it there halves the cost of a second export. */
function publicPoint(pkcs8: Buffer): Buffer {
  const point = Buffer.from(pkcs8.subarray(-POINT_OCTETS));
  if (point[0] !== 4) throw new Error("OpenSSL exported a P-256 key without its public point.");
  return point;
}

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { pemEncode } from "../pem.ts";

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
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" });
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
  return { privateKeyPem: pemEncode(pkcs8, "PRIVATE KEY"), spki, privateKey };
}

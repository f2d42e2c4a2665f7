import { createCipheriv, createDecipheriv, createPrivateKey, hkdfSync, type KeyObject, scryptSync } from "node:crypto";
import { asBuffer, type RandomSource } from "../bytes.ts";
import { PkiError } from "../pki-error.ts";

/** What opens a sealed key: a passphrase that people type, or 32 random bytes from a key file. */
export type SealingSecret = string | { readonly keyBytes: Uint8Array };

/** The envelope: JSON, so that a person can see how it was sealed. Binary values are base64. */
interface Envelope {
  readonly format: "sealed-private-key";
  readonly version: 1;
  /** scrypt (RFC 7914) for passphrases with N = 2^17, r = 8, p = 1; HKDF-SHA-256 (RFC 5869) for key files. */
  readonly kdf: "scrypt-131072-8-1" | "hkdf-sha256";
  readonly salt: string;
  readonly cipher: "aes-256-gcm";
  readonly nonce: string;
  /** Ciphertext of the PKCS#8 DER with the 16-octet tag at its end. */
  readonly sealed: string;
}

/** About 0.4 s and 128 MiB, once at start-up; whoever guesses pays the same for every guess. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const KEY_FILE_OCTETS = 32;
const SALT_OCTETS = 16;
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
const MAX_CHARACTERS = 64 * 1024;

/**
 * Encrypts a PKCS#8 private key for storage; the header is authenticated along with it.
 * @example
 * const random = { bytes: (length: number) => randomBytes(length) };
 * const secret = { keyBytes: randomBytes(32) };
 * const text = sealKey(Uint8Array.of(1, 2, 3), secret, random);
 * assert.deepEqual([...openKey(text, secret)], [1, 2, 3]);
 */
export function sealKey(pkcs8Der: Uint8Array, secret: SealingSecret, random: RandomSource): string {
  const kdf = typeof secret === "string" ? "scrypt-131072-8-1" : "hkdf-sha256";
  const salt = random.bytes(SALT_OCTETS);
  const nonce = random.bytes(NONCE_OCTETS);
  const key = deriveKey(kdf, secret, salt);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(header(kdf, salt));
  const sealed = Buffer.concat([cipher.update(pkcs8Der), cipher.final(), cipher.getAuthTag()]);
  key.fill(0);
  const envelope: Envelope = {
    format: "sealed-private-key",
    version: 1,
    kdf,
    salt: base64(salt),
    cipher: "aes-256-gcm",
    nonce: base64(nonce),
    sealed: base64(sealed),
  };
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

/** Decrypts what `sealKey` wrote. A wrong secret is `passphrase_wrong`, a damaged file `sealed_key_malformed` where that can be told apart. */
export function openKey(text: string, secret: SealingSecret): Uint8Array {
  const envelope = readEnvelope(text);
  const salt = octets(envelope.salt, SALT_OCTETS, "salt");
  const nonce = octets(envelope.nonce, NONCE_OCTETS, "nonce");
  const sealed = octets(envelope.sealed, undefined, "sealed");
  if (sealed.length <= TAG_OCTETS) throw malformed("is too short to hold a key");
  checkKind(envelope.kdf, secret);
  const key = deriveKey(envelope.kdf, secret, salt);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_OCTETS })
    .setAAD(header(envelope.kdf, salt))
    .setAuthTag(sealed.subarray(-TAG_OCTETS));
  key.fill(0);
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_OCTETS)), decipher.final()]);
  } catch (cause) {
    const kind = typeof secret === "string" ? "passphrase" : "key file";
    throw new PkiError("passphrase_wrong", `The ${kind} does not open the sealed key, or the file was changed.`, {
      cause,
    });
  }
}

/** Opens a sealed key as a KeyObject and wipes the plain text. */
export function openPrivateKey(text: string, secret: SealingSecret): KeyObject {
  const pkcs8 = openKey(text, secret);
  try {
    return createPrivateKey({ key: asBuffer(pkcs8), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw new PkiError("sealed_key_malformed", "The sealed file opened, but holds no PKCS#8 private key.", { cause });
  } finally {
    pkcs8.fill(0);
  }
}

function deriveKey(kdf: Envelope["kdf"], secret: SealingSecret, salt: Uint8Array): Buffer {
  if (typeof secret === "string") {
    if (secret.length === 0) throw new PkiError("request_invalid", "The passphrase is empty.");
    // NFKC, so that the same characters typed on two keyboards are the same octets.
    return scryptSync(secret.normalize("NFKC"), salt, 32, SCRYPT);
  }
  if (secret.keyBytes.length !== KEY_FILE_OCTETS) {
    throw new PkiError("request_invalid", `A key file has ${KEY_FILE_OCTETS} bytes, not ${secret.keyBytes.length}.`);
  }
  return Buffer.from(hkdfSync("sha256", secret.keyBytes, salt, `sealed-private-key ${kdf}`, 32));
}

/** Bound into the tag, so that nobody can relabel a file. */
function header(kdf: string, salt: Uint8Array): Buffer {
  return Buffer.from(`sealed-private-key/1/${kdf}/${base64(salt)}/aes-256-gcm`);
}

function checkKind(kdf: Envelope["kdf"], secret: SealingSecret): void {
  if ((kdf === "hkdf-sha256") === (typeof secret !== "string")) return;
  const needed = kdf === "hkdf-sha256" ? "its key file, not a passphrase" : "a passphrase, not a key file";
  throw new PkiError("passphrase_wrong", `The sealed key needs ${needed}.`);
}

function readEnvelope(text: string): Envelope {
  if (text.length > MAX_CHARACTERS) throw malformed(`has more than ${MAX_CHARACTERS} characters`);
  const value = parseJson(text);
  const { format, version, kdf, cipher } = value;
  if (format !== "sealed-private-key") throw malformed('lacks "format": "sealed-private-key"');
  if (version !== 1) throw malformed(`has the version ${version}; this program reads version 1`);
  const known = kdf === "scrypt-131072-8-1" || kdf === "hkdf-sha256";
  if (!known || cipher !== "aes-256-gcm") throw malformed("names a kdf or cipher that this version does not have");
  return value as unknown as Envelope;
}

function parseJson(text: string): Partial<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Partial<Record<string, unknown>>;
  } catch {
    // Said below, without the parser's excerpt of the text.
  }
  throw malformed("is not a JSON object");
}

function octets(text: unknown, length: number | undefined, field: string): Buffer {
  const decoded = typeof text === "string" ? Buffer.from(text, "base64") : Buffer.alloc(0);
  if (decoded.toString("base64") !== text || (length !== undefined && decoded.length !== length)) {
    throw malformed(`has a malformed "${field}"`);
  }
  return decoded;
}

function base64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("base64");
}

function malformed(problem: string): PkiError {
  return new PkiError("sealed_key_malformed", `The sealed key file ${problem}; restore it from a backup.`);
}

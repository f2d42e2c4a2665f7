// The installation's private keys, encrypted at rest. One 32-byte key unlocks them all; it lies in a 0600 file, or is itself
// sealed with a passphrase that only a person or the init system knows.
import { hkdfSync, type KeyObject } from "node:crypto";
import { openKey, openPrivateKey, PkiError, sealKey } from "@fleetmint/pki";
import { Fault } from "../kit/fault.ts";
import type { Random } from "../kit/random.ts";

export interface KeyRing {
  seal(privateKey: KeyObject): string;
  /** Throws a Fault naming `what` where the text was sealed with another key. */
  open(sealed: string, what: string): KeyObject;
  /** A key for something else, derived so that it says nothing about this one. */
  derive(purpose: string): Uint8Array;
}

/** What lies in the unlock file: the key itself, or the key sealed with a passphrase. */
export interface UnlockFile {
  readonly content: string;
  readonly keyRing: KeyRing;
}

const KEY_BYTES = 32;

export function createKeyRing(random: Random, passphrase: string | undefined): UnlockFile {
  const key = random.bytes(KEY_BYTES);
  const content =
    passphrase === undefined ? `${Buffer.from(key).toString("base64")}\n` : sealKey(key, passphrase, random);
  return { content, keyRing: keyRingOf(key, random) };
}

/** Opens an unlock file. Faults: unauthenticated where the passphrase is missing or wrong. */
export function openKeyRing(content: string, passphrase: string | undefined, random: Random): KeyRing {
  if (!content.startsWith("{")) return keyRingOf(Buffer.from(content.trim(), "base64"), random);
  if (passphrase === undefined) {
    throw new Fault("unauthenticated", "The CA key is sealed with a passphrase; pass --ca-passphrase-file FILE.");
  }
  try {
    return keyRingOf(openKey(content, passphrase), random);
  } catch (cause) {
    throw cause instanceof PkiError
      ? new Fault("unauthenticated", `The CA key cannot be unlocked: ${cause.message}`, { cause })
      : cause;
  }
}

function keyRingOf(key: Uint8Array, random: Random): KeyRing {
  if (key.length !== KEY_BYTES)
    throw new Fault("unauthenticated", `The unlock key has ${key.length} bytes instead of ${KEY_BYTES}.`);
  return {
    seal: (privateKey) => sealKey(privateKey.export({ format: "der", type: "pkcs8" }), { keyBytes: key }, random),
    open(sealed, what) {
      try {
        return openPrivateKey(sealed, { keyBytes: key });
      } catch (cause) {
        throw new Fault("unauthenticated", `The ${what} cannot be opened with this installation's unlock key.`, {
          cause,
        });
      }
    },
    derive: (purpose) => new Uint8Array(hkdfSync("sha256", key, "", `fleetmint ${purpose}`, KEY_BYTES)),
  };
}

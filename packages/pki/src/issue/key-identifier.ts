import { hash } from "node:crypto";
import { keyForm } from "../keys/spki.ts";
import { PkiError } from "../pki-error.ts";

export const KEY_IDENTIFIER_OCTETS = 20;

/** RFC 7093 §2 method 1: the leftmost 160 bits of the SHA-256 of the key itself (the BIT STRING's octets). */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  const form = keyForm(spki);
  if (form === undefined)
    throw new PkiError("key_algorithm_refused", "Only keys that passed checkPublicKey are certified.");
  return hash("sha256", spki.subarray(form.keyStart), "buffer").subarray(0, KEY_IDENTIFIER_OCTETS);
}

// Secrets that the store must keep and hand back (a webhook's key), sealed with a key that is not in the store.
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "./random.ts";

export interface SecretBox {
  seal(secret: string): string;
  /** Throws where the text was not sealed with this key. */
  open(sealed: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM; `key` has 32 bytes. */
export function createSecretBox(key: Uint8Array, random: Random): SecretBox {
  return {
    seal(secret) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url");
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
        "utf8",
      );
    },
  };
}

// Secrets that the server must be able to read again (a webhook's HMAC key) stand in the database only encrypted, so that
// a stolen file or backup holds none.
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../../kit/random.ts";

export interface Sealer {
  seal(text: string): string;
  open(sealed: string): string;
}

const VERSION = "v1.";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM with a key that lives outside the database. */
export function keySealer(key: Uint8Array, random: Random): Sealer {
  if (key.length !== 32) throw new Error("A sealing key has 32 bytes.");
  return {
    seal(text) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return VERSION + Buffer.concat([nonce, body, cipher.getAuthTag()]).toString("base64url");
    },
    open(sealed) {
      if (!sealed.startsWith(VERSION)) throw new Error("The sealed secret has a form that this release does not know.");
      const bytes = Buffer.from(sealed.slice(VERSION.length), "base64url");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString(
        "utf8",
      );
    },
  };
}

/** Without a key no secret is written: refusing is better than a database with secrets in clear. */
export const noSealer: Sealer = {
  seal: () => refuse(),
  open: () => refuse(),
};

function refuse(): never {
  throw new Error("The store was opened without a sealing key; it cannot keep a webhook's secret.");
}

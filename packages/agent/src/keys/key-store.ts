import type { Signer } from "@fleetmint/pki";
import type { TlsCredential } from "../connect/verified-tls.ts";

/** Enough to find a key again. Of a key in a file it is the key itself, so that key and certificate are one file. */
export type KeyReference =
  | { readonly kind: "file"; readonly privateKeyPem: string }
  | { readonly kind: "pkcs11"; readonly token: string; readonly label: string; readonly id: string };

/** How a connection uses the key. */
export type KeyUse = {
  credential(certificatePem: string): TlsCredential;
  /** Set where the key can only be used in a process that has this PKCS#11 module to itself. */
  readonly pkcs11Module?: string;
};

/** A private key that can be used; whether it can be seen is the store's affair. */
export interface KeyHandle extends KeyUse {
  readonly reference: KeyReference;
  /** Signs certificate requests. */
  readonly signer: Signer;
  /** RFC 7512, without the PIN; only of a key in a token. */
  readonly uri?: string;
  /** For `status`: one line, never a secret. */
  describe(): string;
  /** Ends the key where it lives outside the bundle. Nothing to do where it is gone already. */
  destroy(): Promise<void>;
}

/**
 * Where keys live. A new key has two steps, so that a power cut in between leaves no key that nobody knows:
 * the reference is stored first, and `make` may be repeated.
 */
export interface KeyStore {
  plan(): KeyReference;
  /** Makes the planned key, or opens it where it was made already. */
  make(reference: KeyReference): Promise<KeyHandle>;
  open(reference: KeyReference): Promise<KeyHandle>;
}

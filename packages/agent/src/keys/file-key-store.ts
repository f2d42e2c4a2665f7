import { createPrivateKey, type KeyObject } from "node:crypto";
import { fileSigner, generateEcKey } from "@fleetmint/pki";
import { AgentFault, errorText } from "../agent-fault.ts";
import type { KeyHandle, KeyReference, KeyStore } from "./key-store.ts";

/** Keys inside the identity bundle: EC P-256, made here. */
export const fileKeyStore: KeyStore = {
  plan: () => ({
    kind: "file",
    privateKeyPem: generateEcKey().privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  }),
  make: async (reference) => openFileKey(reference),
  open: async (reference) => openFileKey(reference),
};

/** A handle on a key that came as PEM: from the bundle, the claim's file, or the server. */
export function openPemKey(privateKeyPem: string, at: string): KeyHandle {
  const key = parse(privateKeyPem, at);
  return {
    reference: { kind: "file", privateKeyPem },
    signer: fileSigner(key),
    credential: (certificatePem) => ({ certificatePem, privateKeyPem }),
    describe: () =>
      `${key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType}, in the identity bundle (mode 0600)`,
    destroy: async () => {},
  };
}

function openFileKey(reference: KeyReference): KeyHandle {
  if (reference.kind === "file") return openPemKey(reference.privateKeyPem, "the identity bundle");
  throw new AgentFault({
    kind: "usage",
    reason: "key_store_changed",
    message: `The identity's key is in the PKCS#11 token "${reference.token}", and the configuration says it is in a file.`,
    at: "fleetmint.keyStore",
    fix: 'set "keyStore" back to {"kind": "pkcs11", …}, or provision a new identity in another store',
  });
}

function parse(pem: string, at: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new AgentFault(
      {
        kind: "usage",
        reason: "key_unusable",
        message: `The private key cannot be read: ${errorText(cause)}.`,
        at,
        fix: "give an unencrypted private key in PEM",
      },
      { cause },
    );
  }
}

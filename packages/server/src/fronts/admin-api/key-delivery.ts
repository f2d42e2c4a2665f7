import { armor, Encrypter } from "age-encryption";
import { Fault } from "../../kit/fault.ts";
import type { Call } from "./handler.ts";

export type ClaimKey = Call<"createClaim">["body"]["key"];

interface DeliveredKey {
  readonly privateKeyPem: string | null;
  readonly sealedPrivateKey: string | null;
}

/**
 * How a key that the server made leaves it: in the clear, sealed for an age recipient, or not at all because the caller
 * holds it. Throws before anything is made where the recipient is not one.
 */
export function keyDelivery(key: ClaimKey): (privateKeyPem: string | undefined) => Promise<DeliveredKey> {
  switch (key.kind) {
    case "csr":
      return async () => ({ privateKeyPem: null, sealedPrivateKey: null });
    case "plain":
      return async (pem) => ({ privateKeyPem: present(pem), sealedPrivateKey: null });
    case "recipient": {
      const encrypter = encrypterFor(key.recipient);
      return async (pem) => ({
        privateKeyPem: null,
        sealedPrivateKey: armor.encode(await encrypter.encrypt(present(pem))),
      });
    }
  }
}

function encrypterFor(recipient: string): Encrypter {
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    const message = "body.key.recipient: is not an age recipient (its checksum does not hold); see `age-keygen -y`.";
    throw new Fault("request_invalid", message, { cause });
  }
  return encrypter;
}

function present(pem: string | undefined): string {
  if (pem === undefined) throw new Error("the claim was made without a private key although no CSR came with it");
  return pem;
}

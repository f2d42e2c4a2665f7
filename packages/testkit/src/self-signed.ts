import { randomBytes } from "node:crypto";
import { createRoot, fileSigner, generateEcKey } from "@fleetmint/pki";
import type { Credentials } from "./simulated-device.ts";

/** A certificate that no installation issued: TLS proves its key, and nobody knows it. */
export async function selfSigned(commonName: string): Promise<Credentials> {
  const key = generateEcKey();
  const { pem } = await createRoot(fileSigner(key.privateKey), {
    subject: { commonName },
    nowMs: Date.UTC(2026, 0, 1),
    serialPrefix: 1,
    random: { bytes: (length) => randomBytes(length) },
  });
  return { certificatePem: pem, privateKeyPem: key.privateKeyPem };
}

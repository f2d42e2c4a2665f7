import type { KeyObject } from "node:crypto";
import { buildCsr, fileSigner, type SubjectFields } from "@fleetmint/pki";
import { awsTopics } from "@fleetmint/wire";
import type { SimulatedDevice } from "./simulated-device.ts";

/** PKCS#10 in PEM for a key at hand. */
export async function csrFor(privateKey: KeyObject, subject: SubjectFields = { commonName: "x" }): Promise<string> {
  return (await buildCsr({ subject }, fileSigner(privateKey))).pem;
}

/** CreateCertificateFromCsr with a request that the test made; rejects as SimulatedDevice.request does. */
export function requestWithCsr(device: SimulatedDevice, pem: string): Promise<Record<string, unknown>> {
  return device.request(awsTopics.createFromCsr("json"), "json", { certificateSigningRequest: pem });
}

// One device from claim to its own connection, every answer checked. Its key and CSR were made beforehand.
import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { buildCsr, fileSigner, generateEcKey } from "@fleetmint/pki";
import { type Credentials, SIMPLE_TEMPLATE, SimulatedDevice, type Target } from "@fleetmint/testkit";
import { awsTopics } from "@fleetmint/wire";
import { TEMPLATE, thingNameOf } from "./installation.ts";

/** A device before its first contact. */
export interface NewDevice {
  readonly serialNumber: string;
  readonly privateKeyPem: string;
  readonly csrPem: string;
}

export interface ProvisioningPlace {
  readonly target: Target;
  readonly claim: SecureContext;
  readonly issuingCertificate: X509Certificate;
  /** Where to connect from, so that the limit of connects per address is not what is measured. */
  readonly localAddress: string | undefined;
}

/** One group, one cipher: every server is asked for the same handshake. */
const HANDSHAKE = {
  minVersion: "TLSv1.3",
  ecdhCurve: "X25519",
  ciphers: "TLS_AES_128_GCM_SHA256",
} as const;

export async function newDevice(serialNumber: string): Promise<NewDevice> {
  const key = generateEcKey();
  const { pem } = await buildCsr({ subject: { commonName: serialNumber } }, fileSigner(key.privateKey));
  return { serialNumber, privateKeyPem: key.privateKeyPem, csrPem: pem };
}

export function contextOf(caPem: string, { certificatePem, privateKeyPem }: Credentials): SecureContext {
  return createSecureContext({ ca: caPem, cert: certificatePem, key: privateKeyPem, ...HANDSHAKE });
}

/** mTLS, CONNECT, CONNACK. MQTT 3.1.1, which every peer speaks. */
export function connectDevice(
  target: Target,
  clientId: string,
  tls: { readonly secureContext: SecureContext; readonly localAddress: string | undefined },
): Promise<SimulatedDevice> {
  const { secureContext, localAddress } = tls;
  const options = { secureContext, ...(localAddress === undefined ? {} : { localAddress }) };
  return SimulatedDevice.connect(target, undefined, { clientId, version: 4, clean: true, tls: options });
}

export interface Provisioned {
  readonly credentials: Credentials;
  /** When CONNACK welcomed the new identity; `performance.now()`. */
  readonly connectedAtMs: number;
}

/** Provisions, and connects with the new identity. Throws where anything is not as it should be. */
export async function provisionChecked(place: ProvisioningPlace, device: NewDevice): Promise<Provisioned> {
  const { target, localAddress } = place;
  const certificatePem = await redeemClaim(place, device);
  const credentials = { certificatePem, privateKeyPem: device.privateKeyPem };
  // Throws where the certificate is for another key.
  const secureContext = contextOf(target.caPem, credentials);
  await using _connected = await connectDevice(target, thingNameOf(device.serialNumber), {
    secureContext,
    localAddress,
  });
  return { credentials, connectedAtMs: performance.now() };
}

async function redeemClaim(place: ProvisioningPlace, device: NewDevice): Promise<string> {
  const { serialNumber, csrPem } = device;
  const tls = { secureContext: place.claim, localAddress: place.localAddress };
  await using connection = await connectDevice(place.target, `bench-${serialNumber}`, tls);
  const created = await connection.request(awsTopics.createFromCsr("json"), "json", {
    certificateSigningRequest: csrPem,
  });
  checkCertificate(place, created);
  const registered = await connection.request(awsTopics.registerThing(TEMPLATE, "json"), "json", {
    certificateOwnershipToken: created["certificateOwnershipToken"],
    parameters: { SerialNumber: serialNumber },
  });
  expectSame("thing name", registered["thingName"], thingNameOf(serialNumber));
  const configuration = registered["deviceConfiguration"] as Record<string, unknown> | undefined;
  expectSame("configuration", configuration?.["greeting"], SIMPLE_TEMPLATE.DeviceConfiguration.greeting);
  return created["certificatePem"] as string;
}

function checkCertificate(place: ProvisioningPlace, created: Record<string, unknown>): void {
  const certificate = new X509Certificate(created["certificatePem"] as string);
  if (!certificate.verify(place.issuingCertificate.publicKey)) throw new Error("The certificate is not our CA's.");
  const fingerprint = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  expectSame("certificate id", created["certificateId"], fingerprint);
}

function expectSame(what: string, found: unknown, expected: string): void {
  if (found !== expected) throw new Error(`The ${what} is ${JSON.stringify(found)}, expected "${expected}".`);
}

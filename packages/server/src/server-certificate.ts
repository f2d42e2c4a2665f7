// The certificate of the server's own listeners, issued by the installation's CA and renewed in time.
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkPublicKey, fileSigner, generateEcKey, parseCertificate, pemEncode } from "@fleetmint/pki";
import { certificateIssued } from "./audit/events.ts";
import type { CertificateAuthority } from "./ca/authority.ts";
import type { IssuanceLedger } from "./ca/ports.ts";
import type { UnlockedInstallation } from "./installation.ts";
import type { Clock } from "./kit/clock.ts";
import { writeFileDurably } from "./settings/data-folder.ts";

const DAY_MS = 24 * 3600 * 1000;
const LIFETIME_MS = 365 * DAY_MS;
/** Renewed when less than a third of its life is left. */
const RENEW_BELOW_MS = LIFETIME_MS / 3;

/** What a TLS listener needs. */
export interface ServerCredentials {
  readonly keyPem: string;
  /** The certificate and the issuing CA's, so that a device with the root can build the chain. */
  readonly certificateChainPem: string;
  readonly notAfterMs: number;
}

export interface ServerCertificatePorts {
  readonly clock: Clock;
  readonly ca: CertificateAuthority;
  readonly ledger: IssuanceLedger;
  readonly installation: UnlockedInstallation;
}

/** The present certificate; a new one where there is none, or it ends soon, or the host names have changed. */
export async function serverCredentials(ports: ServerCertificatePorts): Promise<ServerCredentials> {
  return readCredentials(ports) ?? (await issueCredentials(ports));
}

function readCredentials({ clock, installation, ca }: ServerCertificatePorts): ServerCredentials | undefined {
  const { folder, hostNames, keyRing } = installation;
  if (!existsSync(folder.serverCertificate) || !existsSync(folder.serverKey)) return undefined;
  const pem = readFileSync(folder.serverCertificate, "utf8");
  const certificate = parseCertificate(pem);
  const named = new Set(certificate.sans.map((san) => san.value));
  if (!hostNames.every((name) => named.has(canonicalName(name)))) return undefined;
  if (certificate.notAfterMs - clock.now() < RENEW_BELOW_MS) return undefined;
  // Issued while the clock was ahead: every device would refuse it until then.
  if (certificate.notBeforeMs > clock.now()) return undefined;
  const key = keyRing.open(readFileSync(folder.serverKey, "utf8"), "server's key");
  // A crash between the two files leaves a key without its certificate: then both are made anew.
  if (!Buffer.from(fileSigner(key).publicKeySpki).equals(certificate.spki)) return undefined;
  return {
    keyPem: key.export({ format: "pem", type: "pkcs8" }) as string,
    certificateChainPem: pem + ca.issuingPem,
    notAfterMs: certificate.notAfterMs,
  };
}

async function issueCredentials(ports: ServerCertificatePorts): Promise<ServerCredentials> {
  const { clock, ca, ledger, installation } = ports;
  const { folder, hostNames, keyRing } = installation;
  const { privateKey, privateKeyPem } = generateEcKey();
  const issued = await ca.issue({
    profile: "server",
    key: checkPublicKey(fileSigner(privateKey).publicKeySpki),
    commonName: hostNames[0]!,
    lifetimeMs: LIFETIME_MS,
    hostNames: { dns: hostNames.filter((name) => isIP(name) === 0), ip: hostNames.filter((name) => isIP(name) !== 0) },
    claimId: undefined,
    clientId: undefined,
  });
  const { certificateId, serial, profile } = issued;
  await ledger.recordCertificate(
    issued,
    certificateIssued({ actor: "system", certificateId, atMs: clock.now(), detail: { serial, profile, hostNames } }),
  );
  const pem = pemEncode(issued.der, "CERTIFICATE");
  writeFileDurably(folder.serverKey, keyRing.seal(privateKey));
  writeFileDurably(folder.serverCertificate, pem, 0o644);
  return { keyPem: privateKeyPem, certificateChainPem: pem + ca.issuingPem, notAfterMs: issued.notAfterMs };
}

/** IPv6 addresses are written in the certificate in their shortest form. */
function canonicalName(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase();
}

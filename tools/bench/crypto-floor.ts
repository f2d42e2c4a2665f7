// The cryptography of one claim provisioning that no server can avoid, in the Node that serves: two TLS 1.3 handshakes with
// client certificates (X25519 key and agreement, one P-256 signature, and verifications), the CSR's proof of possession, and the
// certificate's signature. Everything else that a server spends is its own.
import { diffieHellman, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from "node:crypto";

/** CPU microseconds. */
export interface CryptoFloor {
  /** The client's chain is verified: its CertificateVerify and its certificate, in each handshake. */
  readonly chain: number;
  /** The client's certificate is known by its fingerprint: only its CertificateVerify. */
  readonly pinned: number;
  readonly agreement: number;
  readonly sign: number;
  readonly verify: number;
}

/** What TLS signs in CertificateVerify (RFC 8446 §4.4.3) has this size with SHA-256; a certificate's body is about three times it. */
const SIGNED_BYTES = 130;

export function measureCryptoFloor(repetitions: number): CryptoFloor {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const peer = generateKeyPairSync("x25519").publicKey;
  const message = randomBytes(SIGNED_BYTES);
  const signature = sign("sha256", message, key.privateKey);
  const agreement = cpuPerRun(repetitions, () => agree(peer));
  const signing = cpuPerRun(repetitions, () => sign("sha256", message, key.privateKey));
  const verifying = cpuPerRun(repetitions, () => check(verify("sha256", message, key.publicKey, signature)));
  const issuing = verifying + signing;
  return {
    agreement,
    sign: signing,
    verify: verifying,
    chain: 2 * (agreement + signing + 2 * verifying) + issuing,
    pinned: 2 * (agreement + signing + verifying) + issuing,
  };
}

function agree(publicKey: KeyObject): Buffer {
  const { privateKey } = generateKeyPairSync("x25519");
  return diffieHellman({ privateKey, publicKey });
}

function check(verified: boolean): void {
  if (!verified) throw new Error("The floor's own signature does not verify.");
}

function cpuPerRun(repetitions: number, run: () => unknown): number {
  const before = process.cpuUsage();
  for (let i = 0; i < repetitions; i++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / repetitions;
}

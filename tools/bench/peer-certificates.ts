// Certificates for the servers that ours is compared with: same key type and profiles as Fleetmint's, but straight from the root,
// so that a peer which verifies a chain verifies the shortest one there is.
import {
  checkPublicKey,
  createIssuer,
  createRoot,
  fileSigner,
  generateEcKey,
  type IssueRequest,
  issue,
  type ProfileName,
  prepare,
} from "@fleetmint/pki";
import { systemRandom } from "@fleetmint/server";
import type { Credentials } from "@fleetmint/testkit";

export interface PeerCertificates {
  readonly rootPem: string;
  readonly server: Credentials;
  readonly client: Credentials;
}

export async function createPeerCertificates(): Promise<PeerCertificates> {
  const settings = { serialPrefix: 1, random: systemRandom() };
  const signer = fileSigner(generateEcKey().privateKey);
  const root = await createRoot(signer, { subject: { commonName: "Bench Root" }, nowMs: Date.now(), ...settings });
  const issuer = createIssuer({ certificate: root.pem, signatureAlgorithm: signer.signatureAlgorithm, ...settings });
  const certify = async (profile: ProfileName, names: Pick<IssueRequest, "alternativeNames">): Promise<Credentials> => {
    const key = generateEcKey();
    const subject = { commonName: `Bench ${profile}` };
    const request = { publicKey: checkPublicKey(key.spki), subject, nowMs: Date.now(), ...names };
    const { pem } = await issue(prepare(issuer, profile, request), signer);
    return { certificatePem: pem, privateKeyPem: key.privateKeyPem };
  };
  return {
    rootPem: root.pem,
    server: await certify("server", { alternativeNames: { dns: ["localhost"], ip: ["127.0.0.1"] } }),
    client: await certify("device", {}),
  };
}

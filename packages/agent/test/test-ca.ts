import { randomBytes } from "node:crypto";
import {
  checkPublicKey,
  createIssuer,
  createIssuingCa,
  createRoot,
  fileSigner,
  generateEcKey,
  type Issuer,
  issue,
  type ProfileName,
  prepare,
  type SyncSigner,
} from "@fleetmint/pki";

const random = { bytes: (length: number) => randomBytes(length) };

export interface Leaf {
  readonly certificatePem: string;
  readonly certificateId: string;
  readonly privateKeyPem: string;
}

export interface LeafRequest {
  readonly profile: ProfileName;
  readonly commonName: string;
  readonly dns?: readonly string[];
  readonly nowMs?: number;
  readonly validForSeconds?: number;
}

/** A root and an issuing CA, as `fleetmint init` makes them. */
export class TestCa {
  readonly rootPem: string;
  readonly issuingPem: string;
  readonly #issuer: Issuer;
  readonly #signer: SyncSigner;
  /** How far this CA's clock is ahead of ours. */
  readonly #aheadMs: number;

  private constructor(rootPem: string, issuingPem: string, signer: SyncSigner, nowMs: number) {
    this.rootPem = rootPem;
    this.issuingPem = issuingPem;
    this.#signer = signer;
    this.#aheadMs = nowMs - Date.now();
    this.#issuer = createIssuer({
      certificate: issuingPem,
      signatureAlgorithm: "ecdsa-sha256",
      serialPrefix: 1,
      random,
    });
  }

  static async create(nowMs: number = Date.now()): Promise<TestCa> {
    const rootSigner = fileSigner(generateEcKey().privateKey);
    const signer = fileSigner(generateEcKey().privateKey);
    const root = await createRoot(rootSigner, { subject: { commonName: "Test Root" }, nowMs, serialPrefix: 1, random });
    const issuer = createIssuer({
      certificate: root.der,
      signatureAlgorithm: "ecdsa-sha256",
      serialPrefix: 1,
      random,
    });
    const request = { subject: { commonName: "Test Issuing CA" }, nowMs };
    const issuing = await createIssuingCa(issuer, rootSigner, signer.publicKeySpki, request);
    return new TestCa(root.pem, issuing.pem, signer, nowMs);
  }

  leaf(request: LeafRequest): Leaf {
    const key = generateEcKey();
    return { ...this.certify(key.spki, request), privateKeyPem: key.privateKeyPem };
  }

  certify(spki: Uint8Array, request: LeafRequest): Omit<Leaf, "privateKeyPem"> {
    const prepared = prepare(this.#issuer, request.profile, {
      publicKey: checkPublicKey(spki),
      subject: { commonName: request.commonName },
      nowMs: request.nowMs ?? Date.now() + this.#aheadMs,
      ...(request.validForSeconds === undefined ? {} : { validForSeconds: request.validForSeconds }),
      ...(request.dns === undefined ? {} : { alternativeNames: { dns: request.dns } }),
    });
    const { pem, certificateId } = issue(prepared, this.#signer);
    return { certificatePem: pem, certificateId };
  }
}

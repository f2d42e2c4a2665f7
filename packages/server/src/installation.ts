// One installation on disk: how it is made, and how its keys are taken up again.
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import {
  createIssuer,
  createIssuingCa,
  createRoot,
  fileSigner,
  generateEcKey,
  type Issued,
  type Issuer,
  parseCertificate,
  type Signer,
} from "@fleetmint/pki";
import { createCredential } from "./access/credential.ts";
import { certificateIssued } from "./audit/events.ts";
import { createKeyRing, type KeyRing, openKeyRing } from "./ca/key-ring.ts";
import type { IssuanceLedger } from "./ca/ports.ts";
import type { Clock } from "./kit/clock.ts";
import { Fault } from "./kit/fault.ts";
import type { Random } from "./kit/random.ts";
import type { CertificateProfile } from "./registry/ports.ts";
import { createDataFolder, type DataFolder, openDataFolder, writeFileDurably } from "./settings/data-folder.ts";
import { openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import type { AccountId, CertificateId, SerialNumber } from "./vocabulary/ids.ts";

export interface InitializeRequest {
  readonly folder: string;
  /** Names and addresses of the server, the first one printed in snippets. */
  readonly hostNames: readonly string[];
  readonly passphraseFile?: string | undefined;
}

export interface Installation {
  readonly folder: DataFolder;
  readonly hostNames: readonly string[];
  readonly createdAt: string;
  /** What audit checkpoints are signed for: a name that no other installation has. */
  readonly origin: string;
}

/** Keys and certificates of an installation, unlocked. */
export interface UnlockedInstallation extends Installation {
  readonly keyRing: KeyRing;
  readonly rootPem: string;
  readonly issuingPem: string;
  readonly issuingSigner: Signer;
  readonly auditKey: KeyObject;
  /** The first octet of serial numbers follows the epoch. */
  issuer(epoch: number): Issuer;
}

interface Ports {
  readonly clock: Clock;
  readonly random: Random;
}

const FIRST_EPOCH = 1;

/** Makes CA, keys, store and the first administrator's credential, all or nothing. */
export async function initialize(ports: Ports, request: InitializeRequest): Promise<Installation> {
  const passphrase = readPassphrase(request.passphraseFile);
  const hostNames = request.hostNames.length > 0 ? request.hostNames : ["localhost", "127.0.0.1", "::1"];
  const details = {
    hostNames,
    createdAt: new Date(ports.clock.now()).toISOString(),
    origin: `fleetmint/${hostNames[0]}/${Buffer.from(ports.random.bytes(6)).toString("hex")}`,
  };
  const folder = await createDataFolder(request.folder, async (building) => {
    const { content, keyRing } = createKeyRing(ports.random, passphrase);
    writeFileDurably(building.unlockKey, content);
    const authority = await createAuthorityFiles(ports, building, keyRing);
    createAuditKey(building, keyRing);
    await fillStore(ports, building, { authority, origin: details.origin });
    writeFileDurably(building.installation, `${JSON.stringify({ format: 1, ...details }, null, 2)}\n`, 0o644);
  });
  return { folder, ...details };
}

/** Opens an installation and unlocks its keys. */
export function unlock(random: Random, path: string, passphraseFile: string | undefined): UnlockedInstallation {
  const folder = openDataFolder(path);
  const details = JSON.parse(readFileSync(folder.installation, "utf8")) as {
    hostNames: string[];
    createdAt: string;
    origin: string;
    format: number;
  };
  if (details.format !== 1) {
    throw new Fault(
      "conflict",
      `${folder.path} was written by a newer Fleetmint (format ${details.format}); update this one.`,
    );
  }
  const keyRing = openKeyRing(readFileSync(folder.unlockKey, "utf8"), readPassphrase(passphraseFile), random);
  const issuingPem = readFileSync(folder.issuingCertificate, "utf8");
  const issuingSigner = fileSigner(keyRing.open(readFileSync(folder.issuingKey, "utf8"), "issuing CA's key"));
  return {
    folder,
    ...details,
    keyRing,
    rootPem: readFileSync(folder.rootCertificate, "utf8"),
    issuingPem,
    issuingSigner,
    auditKey: keyRing.open(readFileSync(folder.auditKey, "utf8"), "audit key"),
    issuer: (epoch) => issuerOf(issuingPem, issuingSigner, { epoch, random }),
  };
}

function issuerOf(certificate: string, signer: Signer, context: { epoch: number; random: Random }): Issuer {
  // The epoch is the serial numbers' first octet, so that a restored installation never repeats one.
  const serialPrefix = 1 + ((context.epoch - 1) % 0x7f);
  return createIssuer({
    certificate,
    signatureAlgorithm: signer.signatureAlgorithm,
    serialPrefix,
    random: context.random,
  });
}

interface AuthorityFiles {
  readonly root: Issued;
  readonly issuing: Issued;
}

/** A root that can be taken offline, and the issuing CA that works. */
async function createAuthorityFiles(ports: Ports, folder: DataFolder, keyRing: KeyRing): Promise<AuthorityFiles> {
  const nowMs = ports.clock.now();
  const suffix = Buffer.from(ports.random.bytes(4)).toString("hex");
  const rootKey = generateEcKey().privateKey;
  const rootSigner = fileSigner(rootKey);
  const subject = (name: string) => ({ organizationName: "Fleetmint", commonName: `Fleetmint ${name} ${suffix}` });
  const root = await createRoot(rootSigner, {
    subject: subject("Root CA"),
    nowMs,
    serialPrefix: FIRST_EPOCH,
    random: ports.random,
  });
  const rootIssuer = issuerOf(root.pem, rootSigner, { epoch: FIRST_EPOCH, random: ports.random });
  const issuingKey = generateEcKey().privateKey;
  const issuing = await createIssuingCa(rootIssuer, rootSigner, fileSigner(issuingKey).publicKeySpki, {
    subject: subject("Issuing CA"),
    nowMs,
  });
  writeFileDurably(folder.rootCertificate, root.pem, 0o644);
  writeFileDurably(folder.caCertificate, root.pem + issuing.pem, 0o644);
  writeFileDurably(folder.rootKey, keyRing.seal(rootKey));
  writeFileDurably(folder.issuingCertificate, issuing.pem, 0o644);
  writeFileDurably(folder.issuingKey, keyRing.seal(issuingKey));
  return { root, issuing };
}

function createAuditKey(folder: DataFolder, keyRing: KeyRing): void {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileDurably(folder.auditKey, keyRing.seal(privateKey));
  writeFileDurably(folder.auditPublicKey, publicKey.export({ format: "pem", type: "spki" }), 0o644);
}

async function fillStore(
  ports: Ports,
  folder: DataFolder,
  made: { readonly authority: AuthorityFiles; readonly origin: string },
): Promise<void> {
  const store = await openSqliteStore({ file: folder.database, clock: ports.clock, random: ports.random });
  try {
    const atMs = ports.clock.now();
    await recordAuthority(store, "root", made.authority.root, atMs);
    await recordAuthority(store, "issuing-ca", made.authority.issuing, atMs);
    const { record: credential, token } = createCredential(ports, {
      accountId: "local-administrator" as AccountId,
      role: "owner",
    });
    await store.saveCredential(credential);
    writeFileDurably(folder.admin, `${JSON.stringify({ accountId: credential.accountId, token }, null, 2)}\n`);
  } finally {
    await store.close();
  }
}

/** The CA's own certificates are known to the store like every other. */
async function recordAuthority(
  ledger: IssuanceLedger,
  profile: CertificateProfile,
  issued: Issued,
  atMs: number,
): Promise<void> {
  const parsed = parseCertificate(issued.der);
  const serial = parsed.serial as SerialNumber;
  const publicKeyFingerprint = createHash("sha256").update(parsed.spki).digest("hex");
  const tbsHash = createHash("sha256").update(parsed.tbs.bytes).digest("hex");
  await ledger.recordIntent({
    serial,
    tbsHash,
    profile,
    publicKeyFingerprint,
    claimId: undefined,
    clientId: undefined,
    atMs,
  });
  const certificateId = issued.certificateId as CertificateId;
  await ledger.recordCertificate(
    {
      certificateId,
      serial,
      profile,
      der: issued.der,
      publicKeyFingerprint,
      notBeforeMs: parsed.notBeforeMs,
      notAfterMs: parsed.notAfterMs,
      issuedAtMs: atMs,
    },
    certificateIssued({ actor: "system", certificateId, atMs, detail: { serial, profile } }),
  );
}

function readPassphrase(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (!existsSync(file)) throw new Fault("not_found", `The passphrase file ${file} does not exist.`);
  const passphrase = readFileSync(file, "utf8").replace(/\r?\n$/, "");
  if (passphrase === "") throw new Fault("request_invalid", `The passphrase file ${file} is empty.`);
  return passphrase;
}

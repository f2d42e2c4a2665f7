// CPU microseconds per certificate, beside the floor that nobody gets under (one verification, one signature) and beside
// a schema-driven library. Every measured step checks its result once, so that nothing fast is also wrong.

import "reflect-metadata";
import { createPublicKey, randomBytes, sign, verify, webcrypto } from "node:crypto";
import {
  buildCsr,
  checkPublicKey,
  createIssuer,
  createIssuingCa,
  createRoot,
  fileSigner,
  generateEcKey,
  type Issuer,
  issue,
  lintTbs,
  parseCertificate,
  parseCsr,
  prepare,
  type SyncSigner,
  verifyCsr,
} from "@fleetmint/pki";
import * as x509 from "@peculiar/x509";

/** One thing measured: `run` does it once. */
export interface IssueBenchmark {
  readonly name: string;
  run(): unknown;
}

export interface IssueMeasurement {
  readonly name: string;
  /** The median of the rounds' means. */
  readonly cpuMicroseconds: number;
}

interface World {
  readonly issuer: Issuer;
  readonly signer: SyncSigner;
  readonly csrs: readonly string[];
}

/** How many different requests are rotated, so that no cache of one key flatters the result. */
const REQUESTS = 64;

/** The synchronous benchmarks: floor, whole path, and its parts. */
export async function issueBenchmarks(): Promise<IssueBenchmark[]> {
  const world = await createWorld();
  const { issuer, signer, csrs } = world;
  const nowMs = Date.now();
  const parsed = csrs.map((pem) => parseCsr(pem));
  const keys = parsed.map((csr) => checkPublicKey(csr.spki));
  const request = (i: number) => ({ publicKey: keys[i]!, subject: { commonName: "A device" }, nowMs });
  const prepared = prepare(issuer, "device", request(0));
  const { tbs } = prepared;
  const { der } = issue(prepared, signer);
  let turn = 0;
  const next = () => {
    turn = (turn + 1) % REQUESTS;
    return turn;
  };
  const key = generateEcKey().privateKey;
  return [
    { name: "floor: verify + sign, keys imported", run: () => floor(parsed[next()]!, keys[turn]!.keyObject, key, tbs) },
    { name: "floor: import + verify + sign", run: () => floor(parsed[next()]!, undefined, key, tbs) },
    { name: "whole: CSR PEM -> certificate PEM and id", run: () => wholePath(world, csrs[next()]!, nowMs) },
    { name: "part: read CSR", run: () => parseCsr(csrs[next()]!) },
    { name: "part: read and verify CSR", run: () => verifyCsr(parseCsr(csrs[next()]!)) },
    { name: "part: prepare (template + lints)", run: () => prepare(issuer, "device", request(next())) },
    { name: "part: lints", run: () => lintTbs(tbs, { profile: "device", issuer }) },
    { name: "part: prepare + issue", run: () => issue(prepare(issuer, "device", request(next())), signer) },
    { name: "read certificate", run: () => parseCertificate(der) },
    { name: "generate P-256 key, PEM and SPKI", run: () => generateEcKey() },
  ];
}

/** The same certificate by @peculiar/x509, one at a time. */
export async function peculiarBenchmark(): Promise<{ name: string; run(): Promise<unknown> }> {
  x509.cryptoProvider.set(webcrypto as never);
  const { csrs } = await createWorld();
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  let turn = 0;
  return {
    name: "@peculiar/x509: CSR PEM -> certificate PEM",
    run: () => {
      turn = (turn + 1) % REQUESTS;
      return issueByPeculiar(csrs[turn]!, keys);
    },
  };
}

/** Runs all in interleaved rounds and gives medians, so that a neighbour's load falls on all alike. */
export async function measureIssuing(rounds = 7, perRound = 400): Promise<IssueMeasurement[]> {
  const own = await issueBenchmarks();
  const peculiar = await peculiarBenchmark();
  const results = new Map<string, number[]>();
  for (const { run } of own) for (let i = 0; i < 200; i++) run();
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of own) push(results, name, await cpuPerRun(perRound, run));
    push(results, peculiar.name, await cpuPerRun(20, peculiar.run));
  }
  return [...results].map(([name, values]) => ({ name, cpuMicroseconds: median(values) }));
}

function wholePath(world: World, csr: string, nowMs: number): unknown {
  const publicKey = verifyCsr(parseCsr(csr));
  const prepared = prepare(world.issuer, "device", { publicKey, subject: { commonName: "A device" }, nowMs });
  return [prepared.tbsHash, issue(prepared, world.signer)];
}

function floor(
  csr: ReturnType<typeof parseCsr>,
  imported: ReturnType<typeof createPublicKey> | undefined,
  privateKey: Parameters<typeof sign>[2],
  tbs: Uint8Array,
): unknown {
  const key = imported ?? createPublicKey({ key: Buffer.from(csr.spki), format: "der", type: "spki" });
  if (!verify("sha256", csr.info, key, csr.signature)) throw new Error("The benchmark's CSR does not verify.");
  return sign("sha256", tbs, privateKey);
}

/** The operating system's randomness in blocks, as a server reads it. */
function pooledRandom(): { bytes(length: number): Uint8Array } {
  let pool = randomBytes(4096);
  return {
    bytes(length) {
      if (pool.length < length) pool = randomBytes(4096);
      const taken = pool.subarray(0, length);
      pool = pool.subarray(length);
      return taken;
    },
  };
}

async function createWorld(): Promise<World> {
  const random = pooledRandom();
  const settings = { signatureAlgorithm: "ecdsa-sha256", serialPrefix: 1, random } as const;
  const nowMs = Date.now();
  const rootSigner = fileSigner(generateEcKey().privateKey);
  const signer = fileSigner(generateEcKey().privateKey);
  const root = await createRoot(rootSigner, { subject: { commonName: "Bench Root" }, nowMs, ...settings });
  const rootIssuer = createIssuer({ certificate: root.der, ...settings });
  const subject = { commonName: "Bench Issuing CA" };
  const ca = await createIssuingCa(rootIssuer, rootSigner, signer.publicKeySpki, { subject, nowMs });
  const issuer = createIssuer({ certificate: ca.der, ...settings });
  const csrs: string[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    csrs.push((await buildCsr({ subject: { commonName: `bench-${i}` } }, fileSigner(generateEcKey().privateKey))).pem);
  }
  return { issuer, signer, csrs };
}

async function issueByPeculiar(pem: string, keys: webcrypto.CryptoKeyPair): Promise<string> {
  const csr = new x509.Pkcs10CertificateRequest(pem);
  if (!(await csr.verify())) throw new Error("The benchmark's CSR does not verify.");
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(18).toString("hex"),
    subject: "CN=A device",
    issuer: "CN=Bench Issuing CA",
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 31_536_000_000),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    publicKey: csr.publicKey,
    signingKey: keys.privateKey,
    extensions: [
      await x509.SubjectKeyIdentifierExtension.create(csr.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
  return certificate.toString("pem");
}

async function cpuPerRun(count: number, run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function push(results: Map<string, number[]>, name: string, value: number): void {
  const values = results.get(name);
  if (values === undefined) results.set(name, [value]);
  else values.push(value);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

if (import.meta.main) {
  for (const { name, cpuMicroseconds } of await measureIssuing()) {
    process.stdout.write(`${cpuMicroseconds.toFixed(1).padStart(9)} µs  ${name}\n`);
  }
}

// OpenSSL's command line beside us: it verifies our chains strictly, and we read its requests.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  buildCsr,
  checkPublicKey,
  fileSigner,
  generateEcKey,
  issue,
  parseCsr,
  prepare,
  verifyCsr,
} from "@fleetmint/pki";
import { exampleCa } from "./example-ca.ts";

const found = spawnSync("openssl", ["version"]).status === 0;
const skip = found ? false : "The openssl program is not installed; chains are checked by node's own OpenSSL only.";
const folder = mkdtempSync(join(tmpdir(), "openssl-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function openssl(...parameters: readonly string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync("openssl", parameters, {
    cwd: folder,
    encoding: "utf8",
    timeout: 30_000,
  });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const ca = await exampleCa();
const publicKey = checkPublicKey(generateEcKey().spki);
write("root.pem", ca.root.pem);
write("ca.pem", ca.certificate.pem);

for (const [profile, purpose, wrong] of [
  ["server", "sslserver", "sslclient"],
  ["claim", "sslclient", "sslserver"],
  ["temporary-claim", "sslclient", "sslserver"],
  ["device", "sslclient", "sslserver"],
] as const) {
  test(`openssl verify -x509_strict accepts ${profile} for ${purpose} and for nothing else`, { skip }, () => {
    const alternativeNames = profile === "server" ? { dns: ["localhost"] } : {};
    const request = { publicKey, subject: { commonName: "A unit" }, nowMs: Date.now(), alternativeNames };
    write("leaf.pem", issue(prepare(ca.issuer, profile, request), ca.signer).pem);
    const verify = (use: string) =>
      openssl("verify", "-x509_strict", "-purpose", use, "-CAfile", "root.pem", "-untrusted", "ca.pem", "leaf.pem");
    assert.equal(verify(purpose).ok, true, verify(purpose).output);
    assert.equal(verify(wrong).ok, false);
  });
}

test("openssl verifies the request that we build", { skip }, async () => {
  const { pem } = await buildCsr({ subject: { commonName: "pump-7" } }, fileSigner(generateEcKey().privateKey));
  write("own.csr", pem);
  const { output } = openssl("req", "-in", "own.csr", "-verify", "-noout", "-subject");
  assert.match(output, /verify OK/);
  assert.match(output, /pump-7/);
});

for (const [name, parameters, verdict] of [
  ["P-256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "ec-p256"],
  ["P-384 with SHA-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"], "ec-p384"],
  ["P-521 with SHA-512", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-sha512"], "ec-p521"],
  ["RSA 2048", ["-newkey", "rsa:2048"], "rsa-2048"],
  [
    "extensions",
    ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext", "subjectAltName=DNS:a"],
    "ec-p256",
  ],
  [
    "explicit parameters",
    ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
    "key_algorithm_refused",
  ],
  ["RSA 1024", ["-newkey", "rsa:1024"], "key_weak"],
  ["Ed25519", ["-newkey", "ed25519"], "key_algorithm_refused"],
  ["RSASSA-PSS", ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"], "csr_signature_invalid"],
  ["SHA-1", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha1"], "csr_signature_invalid"],
] as const) {
  test(`a request made by openssl req, ${name}, is judged ${verdict}`, { skip }, () => {
    const { ok, output } = openssl("req", "-new", "-nodes", "-keyout", "key.pem", ...parameters, "-subj", "/CN=pump-8");
    assert.equal(ok, true, output);
    // Progress of the key's generation is printed around the request.
    const [pem = ""] = /-----BEGIN CERTIFICATE REQUEST-----[\s\S]*-----END CERTIFICATE REQUEST-----/.exec(output) ?? [];
    const csr = () => verifyCsr(parseCsr(pem)).algorithm;
    if (verdict.includes("_")) assert.throws(csr, { code: verdict });
    else assert.equal(csr(), verdict);
  });
}

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { exampleCa, random } from "../../test/example-ca.ts";
import { parseCertificate } from "../certificate/parse-certificate.ts";
import { checkPublicKey } from "../keys/check-public-key.ts";
import { generateEcKey } from "../keys/generate-ec-key.ts";
import { fileSigner, type Signer } from "../keys/signer.ts";
import { lintCertificate } from "../lint/lint-certificate.ts";
import { issue } from "./issue.ts";
import { createIssuer } from "./issuer.ts";
import { type IssueRequest, prepare } from "./prepare.ts";
import { PROFILES } from "./profiles.ts";

const ca = await exampleCa();
const nowMs = Date.now();
const publicKey = checkPublicKey(generateEcKey().spki);
const request: IssueRequest = { publicKey, subject: { commonName: "A device" }, nowMs };

test("a device certificate is the profile's, signed by the CA, and its id is the hash of its bytes", () => {
  const prepared = prepare(ca.issuer, "device", request);
  const issued = issue(prepared, ca.signer);
  const judged = new X509Certificate(issued.pem);
  assert.equal(judged.verify(new X509Certificate(ca.certificate.pem).publicKey), true);
  assert.equal(judged.checkIssued(new X509Certificate(ca.certificate.pem)), true);
  assert.equal(judged.subject, "CN=A device");
  assert.equal(judged.ca, false);
  assert.deepEqual(judged.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  assert.equal(judged.serialNumber.toLowerCase(), prepared.serial);
  assert.equal(issued.certificateId, createHash("sha256").update(judged.raw).digest("hex"));
  assert.equal(issued.certificateId, judged.fingerprint256.replaceAll(":", "").toLowerCase());
});

test("what was prepared is what is signed, and it says so beforehand", () => {
  const prepared = prepare(ca.issuer, "device", request);
  const { tbs, tbsHash } = prepared;
  const certificate = parseCertificate(issue(prepared, ca.signer).der);
  assert.deepEqual([...certificate.tbs.bytes], [...tbs]);
  assert.equal(tbsHash, createHash("sha256").update(tbs).digest("hex"));
  assert.equal(certificate.notBeforeMs, prepared.notBeforeMs);
  assert.equal(certificate.notAfterMs, prepared.notAfterMs);
  assert.equal(prepared.publicKeyFingerprint, publicKey.fingerprint);
});

test("changing the exposed bytes changes nothing that is signed", () => {
  const prepared = prepare(ca.issuer, "device", request);
  const before = prepared.tbsHash;
  prepared.tbs.fill(0);
  assert.equal(prepared.tbsHash, before);
});

test("a prepared body is signed once, even where the signer failed", () => {
  const prepared = prepare(ca.issuer, "device", request);
  issue(prepared, ca.signer);
  assert.throws(() => issue(prepared, ca.signer), { code: "prepared_spent" });
  const other = prepare(ca.issuer, "device", request);
  const broken: Signer = {
    ...ca.signer,
    sign: () => {
      throw new Error("the token was pulled out");
    },
  };
  assert.throws(() => issue(other, broken), /pulled out/);
  assert.throws(() => issue(other, ca.signer), { code: "prepared_spent" });
});

test("an asynchronous signer gives a promise of the same", async () => {
  const slow: Signer = { ...ca.signer, sign: async (tbs) => ca.signer.sign(tbs) };
  const issued = await issue(prepare(ca.issuer, "claim", request), slow);
  assert.deepEqual(lintCertificate(issued.der, { profile: "claim", issuer: ca.issuer }), []);
});

test("a signer with another key, or one that answers raw ECDSA, is found out", () => {
  const stranger = fileSigner(generateEcKey().privateKey);
  assert.throws(() => issue(prepare(ca.issuer, "device", request), stranger), { code: "signer_mismatch" });
  const raw: Signer = { ...ca.signer, sign: () => randomBytes(64) };
  assert.throws(() => issue(prepare(ca.issuer, "device", request), raw), { code: "signer_mismatch" });
});

test("every profile passes all lints", () => {
  const names = { server: { dns: ["Server.Example"], ip: ["192.0.2.1", "2001:db8::1"] } } as const;
  for (const profile of ["server", "claim", "temporary-claim", "device"] as const) {
    const alternativeNames = profile === "server" ? names.server : {};
    const issued = issue(prepare(ca.issuer, profile, { ...request, alternativeNames }), ca.signer);
    assert.deepEqual(lintCertificate(issued.der, { profile, issuer: ca.issuer }), [], profile);
  }
  assert.deepEqual(lintCertificate(ca.certificate.der, { profile: "issuing-ca", issuer: ca.rootIssuer }), []);
  assert.deepEqual(lintCertificate(ca.root.der, { profile: "root" }), []);
});

test("a temporary claim ends 300 seconds from now and no longer can be asked for", () => {
  const prepared = prepare(ca.issuer, "temporary-claim", request);
  assert.equal(prepared.notAfterMs, Math.floor(nowMs / 1000) * 1000 + 300_000);
  const longer = { ...request, validForSeconds: 301 };
  assert.throws(() => prepare(ca.issuer, "temporary-claim", longer), { code: "request_invalid", message: /1 to 300/ });
});

test("notAfter never passes the issuer's, and notBefore is back-dated within it", () => {
  const soon = ca.issuer.notAfterMs - 1000;
  const prepared = prepare(ca.issuer, "device", { ...request, nowMs: soon });
  assert.equal(prepared.notAfterMs, ca.issuer.notAfterMs);
  assert.equal(prepared.notBeforeMs, soon - PROFILES.device.backdateSeconds * 1000);
  assert.equal(prepare(ca.issuer, "device", request).notBeforeMs >= ca.issuer.notBeforeMs, true);
});

test("an issuer that is not valid at the given time issues nothing", () => {
  for (const wrong of [ca.issuer.notBeforeMs - 1, ca.issuer.notAfterMs, Number.NaN]) {
    assert.throws(
      () => prepare(ca.issuer, "device", { ...request, nowMs: wrong }),
      { code: "issuer_unusable" },
      `${wrong}`,
    );
  }
});

test("an issuing CA makes no further CA, and a leaf is no issuer", () => {
  assert.throws(() => prepare(ca.issuer, "issuing-ca", request), { code: "issuer_unusable" });
  assert.throws(() => prepare(ca.rootIssuer, "root", request), { code: "issuer_unusable" });
  const leaf = issue(prepare(ca.issuer, "device", request), ca.signer);
  const settings = { signatureAlgorithm: "ecdsa-sha256", serialPrefix: 1, random } as const;
  assert.throws(() => createIssuer({ certificate: leaf.der, ...settings }), { code: "issuer_unusable" });
});

test("the CA's own key is not certified as a device's", () => {
  const own = checkPublicKey(ca.signer.publicKeySpki);
  assert.throws(() => prepare(ca.issuer, "device", { ...request, publicKey: own }), { code: "request_invalid" });
});

test("a random source that is stuck is found by the linter before anything is signed", () => {
  const stuck = createIssuer({
    certificate: ca.certificate.der,
    signatureAlgorithm: "ecdsa-sha256",
    serialPrefix: 7,
    random: { bytes: (length) => new Uint8Array(length) },
  });
  assert.throws(() => prepare(stuck, "device", request), { code: "lint_failed", message: /profile_serial_random/ });
});

test("the serial prefix is the caller's, from 1 to 127", () => {
  const settings = { certificate: ca.certificate.der, signatureAlgorithm: "ecdsa-sha256", random } as const;
  assert.match(prepare(createIssuer({ ...settings, serialPrefix: 0x7f }), "device", request).serial, /^7f.{36}$/);
  for (const serialPrefix of [0, 128, 1.5, Number.NaN]) {
    assert.throws(() => createIssuer({ ...settings, serialPrefix }), { code: "request_invalid" }, `${serialPrefix}`);
  }
});

test("CAs with P-384 and RSA keys issue as well", async () => {
  const keys = {
    "ecdsa-sha384": generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
    "rsa-sha256": generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  } as const;
  for (const [algorithm, privateKey] of Object.entries(keys)) {
    const signer = fileSigner(privateKey);
    assert.equal(signer.signatureAlgorithm, algorithm);
    const { createRoot } = await import("./create-ca.ts");
    const root = await createRoot(signer, { subject: { commonName: "Root" }, nowMs, serialPrefix: 1, random });
    const issuer = createIssuer({
      certificate: root.pem,
      signatureAlgorithm: signer.signatureAlgorithm,
      serialPrefix: 1,
      random,
    });
    const issued = issue(prepare(issuer, "device", request), signer);
    assert.equal(new X509Certificate(issued.pem).verify(new X509Certificate(root.pem).publicKey), true);
    assert.deepEqual(lintCertificate(issued.der, { profile: "device", issuer }), []);
  }
});

test("names and validities outside the profile are refused with the place", () => {
  const wrong: [Partial<IssueRequest>, RegExp][] = [
    [{ subject: {} }, /commonName/],
    [{ subject: { commonName: "" } }, /commonName has 0/],
    [{ subject: { commonName: "x".repeat(65) } }, /commonName has 65/],
    [{ subject: { commonName: "a\u0000b" } }, /control character/],
    [{ subject: { commonName: "x", serialNumber: "a*b" } }, /serialNumber/],
    [{ validForSeconds: 0 }, /validity/],
    [{ validForSeconds: 1.5 }, /validity/],
    [{ alternativeNames: { dns: ["a.example"] } }, /at most one uri/],
    [{ alternativeNames: { uri: ["no scheme"] } }, /absolute/],
  ];
  for (const [change, message] of wrong) {
    assert.throws(() => prepare(ca.issuer, "device", { ...request, ...change }), { code: "request_invalid", message });
  }
});

test("a server certificate needs addresses, and only well-formed ones", () => {
  const server = (alternativeNames: IssueRequest["alternativeNames"]) =>
    prepare(ca.issuer, "server", { ...request, ...(alternativeNames && { alternativeNames }) });
  const wrong = [
    { dns: ["*.example.com"] },
    { dns: ["a..b"] },
    { dns: ["192.0.2.1"] },
    { dns: ["münchen.example"] },
    { dns: ["a b"] },
    { dns: [`${"a".repeat(64)}.example`] },
    { ip: ["1.2.3"] },
    { ip: ["fe80::1%eth0"] },
    { ip: ["10.0.0.0/8"] },
    { dns: ["a.example"], uri: ["urn:x:y"] },
    {},
    undefined,
  ];
  for (const names of wrong) assert.throws(() => server(names), { code: "request_invalid" }, JSON.stringify(names));
  const many = Array.from({ length: 101 }, (_, i) => `h${i}.example`);
  assert.throws(() => server({ dns: many }), { message: /101 alternative names/ });
});

test("addresses come out as they went in", () => {
  const ip = [
    "192.0.2.1",
    "2001:db8::1",
    "::",
    "::1",
    "1::",
    "::ffff:192.0.2.1",
    "1:2:3:4:5:6:7:8",
    "2001:db8:0:0:1:0:0:1",
  ];
  const alternativeNames = { dns: ["localhost", "a-1.b_2.example"], ip };
  const issued = issue(prepare(ca.issuer, "server", { ...request, alternativeNames }), ca.signer);
  const values = parseCertificate(issued.der).sans.map((name) => `${name.type}:${name.value}`);
  const shown = ip.map((address) => (address.startsWith("::ffff") ? "::ffff:c000:201" : address));
  const expected = shown.map((address) => (address.endsWith("0:1:0:0:1") ? "2001:db8::1:0:0:1" : address));
  assert.deepEqual(values, ["dns:localhost", "dns:a-1.b_2.example", ...expected.map((address) => `ip:${address}`)]);
  for (const address of ip) assert.equal(new X509Certificate(issued.pem).checkIP(address) !== undefined, true, address);
});

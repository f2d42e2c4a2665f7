// What we write, read by two implementations that share no code with it; what they write, read by us.

import "reflect-metadata";
import assert from "node:assert/strict";
import { webcrypto, X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  attributeValues,
  buildCsr,
  checkPublicKey,
  fileSigner,
  generateEcKey,
  isSignedBy,
  issue,
  keyIdentifier,
  lintCertificate,
  OID,
  PROFILES,
  type ProfileName,
  parseCertificate,
  parseCsr,
  prepare,
  verifyCsr,
} from "@fleetmint/pki";
import * as x509 from "@peculiar/x509";
import { exampleCa } from "./example-ca.ts";

x509.cryptoProvider.set(webcrypto as never);

const nowMs = Date.UTC(2048, 5, 1, 12, 0, 0);
const ca = await exampleCa(nowMs);
const device = generateEcKey();

const USAGE_FLAGS = { digitalSignature: 1, keyCertSign: 32, cRLSign: 64 } as Readonly<Record<string, number>>;

/** Every profile under the CA that issues it. */
const ISSUED: Readonly<Record<ProfileName, Uint8Array>> = {
  root: ca.root.der,
  "issuing-ca": ca.certificate.der,
  server: leaf("server", { dns: ["localhost", "a.example"], ip: ["127.0.0.1", "::1"] }),
  claim: leaf("claim"),
  "temporary-claim": leaf("temporary-claim"),
  device: leaf("device", { uri: ["urn:example:thing:7"] }),
};

function leaf(profile: ProfileName, alternativeNames = {}): Uint8Array {
  const publicKey = checkPublicKey(device.spki);
  const subject = { commonName: `A ${profile} ünit`, organizationName: "Example & Sons", serialNumber: "A/7" };
  return issue(prepare(ca.issuer, profile, { publicKey, subject, nowMs, alternativeNames }), ca.signer).der;
}

for (const [name, der] of Object.entries(ISSUED)) {
  const profile = PROFILES[name as ProfileName];

  test(`@peculiar/x509 reads every field of the profile ${name} as we meant it`, async () => {
    const read = new x509.X509Certificate(Buffer.from(der));
    const ours = parseCertificate(der);
    const issuer = new x509.X509Certificate(Buffer.from(profile.isCa ? ca.root.der : ca.certificate.der));
    assert.equal(read.serialNumber, ours.serial);
    assert.match(read.serialNumber, /^01[0-9a-f]{36}$/);
    assert.equal(read.notBefore.getTime(), ours.notBeforeMs);
    assert.equal(read.notAfter.getTime(), ours.notAfterMs);
    assert.equal(read.issuer, issuer.subject);
    assert.deepEqual([...new Uint8Array(read.publicKey.rawData)], [...ours.spki]);
    assert.equal(await read.verify({ publicKey: issuer.publicKey, signatureOnly: true }), true);
    assert.equal(read.getExtension(x509.BasicConstraintsExtension)?.ca, profile.isCa);
    assert.equal(read.getExtension(x509.BasicConstraintsExtension)?.pathLength, profile.pathLength);
    assert.equal(read.getExtension(x509.BasicConstraintsExtension)?.critical, true);
    const flags = profile.keyUsage.reduce((sum, usage) => sum + (USAGE_FLAGS[usage] ?? Number.NaN), 0);
    assert.equal(read.getExtension(x509.KeyUsagesExtension)?.usages, flags);
    assert.equal(read.getExtension(x509.KeyUsagesExtension)?.critical, true);
    assert.deepEqual([...(read.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [])], profile.extendedKeyUsage);
    const keyId = Buffer.from(keyIdentifier(ours.spki)).toString("hex");
    assert.equal(read.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId, keyId);
    const authority = name === "root" ? undefined : issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
    assert.equal(read.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId, authority);
  });

  test(`node's X509Certificate reads the profile ${name} as we meant it`, () => {
    const read = new X509Certificate(der);
    const issuer = new X509Certificate(profile.isCa ? ca.root.der : ca.certificate.der);
    const ours = parseCertificate(der);
    assert.equal(read.checkIssued(issuer), true);
    assert.equal(read.verify(issuer.publicKey), true);
    assert.equal(read.ca, profile.isCa);
    assert.equal(Date.parse(read.validFrom), ours.notBeforeMs);
    assert.equal(Date.parse(read.validTo), ours.notAfterMs);
    assert.equal(
      attributeValues(ours.subject, "commonName").every((value) => read.subject.includes(value)),
      true,
    );
    assert.deepEqual(lintCertificate(der, { profile: profile.name }), []);
  });
}

test("alternative names are those asked for, by both", () => {
  const names = new x509.X509Certificate(Buffer.from(ISSUED.server)).getExtension(x509.SubjectAlternativeNameExtension);
  assert.deepEqual(
    names?.names.toJSON().map((one) => `${one.type}:${one.value}`),
    ["dns:localhost", "dns:a.example", "ip:127.0.0.1", "ip:::1"],
  );
  assert.equal(
    new X509Certificate(ISSUED.server).subjectAltName,
    "DNS:localhost, DNS:a.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
  );
  assert.equal(new X509Certificate(ISSUED.device).subjectAltName, "URI:urn:example:thing:7");
});

test("the root outlives 2050 in GeneralizedTime while the leaves keep UTCTime", () => {
  const tags = (der: Uint8Array) => [parseCertificate(der).tbs.notBefore.tag, parseCertificate(der).tbs.notAfter.tag];
  assert.deepEqual(tags(ISSUED.root), [0x17, 0x18]);
  assert.deepEqual(tags(ISSUED.claim), [0x17, 0x17]);
});

test("a request built by us verifies at @peculiar/x509", async () => {
  const { pem } = await buildCsr({ subject: { commonName: "pump-7" } }, fileSigner(device.privateKey));
  const read = new x509.Pkcs10CertificateRequest(pem);
  assert.equal(await read.verify(), true);
  assert.equal(read.subject, "CN=pump-7");
});

test("a request built by @peculiar/x509, with attributes and extensions, verifies here", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" } as const;
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "CN=pump-8, O=Example",
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 3, true)],
    attributes: [new x509.ChallengePasswordAttribute("secret")],
  });
  const csr = parseCsr(request.toString("pem"));
  assert.equal(csr.subject.commonName, "pump-8");
  assert.equal(verifyCsr(csr).algorithm, "ec-p384");
});

test("a certificate made by @peculiar/x509 is read and verified here", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Maker, CN=Second, C=DE",
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(nowMs),
    notAfter: new Date(nowMs + 1000),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "maker.example" }])],
  });
  const read = parseCertificate(new Uint8Array(made.rawData));
  assert.deepEqual(attributeValues(read.subject, "commonName"), ["Maker", "Second"]);
  assert.deepEqual(
    read.sans.map((name) => name.value),
    ["maker.example"],
  );
  assert.equal(isSignedBy(read, read.spki), true);
  assert.equal(read.extensions[0]?.oid, OID.subjectAltName);
});

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import * as craft from "../../test/craft-certificate.ts";
import { exampleCa } from "../../test/example-ca.ts";
import { encodeOid, OID } from "../der/oid.ts";
import { TAG } from "../der/tags.ts";
import { bitString, der, derTrue, explicit, sequence, set, textString } from "../der/writer.ts";
import { generateEcKey } from "../keys/generate-ec-key.ts";
import { PkiError } from "../pki-error.ts";
import { certificateId, isSignedBy, parseCertificate } from "./parse-certificate.ts";
import { attributeValues } from "./read-name.ts";

const ca = await exampleCa();
const { privateKey, spki } = generateEcKey();

/** A certificate of a manufacturer whose habits are not ours. */
const FOREIGN: craft.CertificateParts = {
  version: craft.VERSION_3,
  serial: der(TAG.integer, Uint8Array.of(5)),
  algorithm: craft.ECDSA_SHA256,
  issuer: craft.name(craft.attribute(OID.commonName, craft.utf8("Maker CA"))),
  notBefore: craft.utc("200101000000Z"),
  notAfter: craft.generalized("99991231235959Z"),
  subject: craft.name(craft.attribute(OID.commonName, craft.utf8("unit"))),
  spki,
  uniqueIds: craft.NOTHING,
  extensions: { ku: craft.keyUsage([0], true) },
};

const make = (parts: Partial<craft.CertificateParts>) =>
  craft.craftCertificate(craft.craftTbs({ ...FOREIGN, ...parts }), privateKey);
const parse = (parts: Partial<craft.CertificateParts>) => parseCertificate(make(parts));
const bmp = (text: string) => der(TAG.bmpString, Buffer.from(text, "utf16le").swap16());

test("a foreign certificate is read with all its names, for policy variables", () => {
  const subject = sequence(
    set(craft.attribute(OID.country, textString(TAG.printableString, "DE"))),
    set(
      craft.attribute(OID.commonName, craft.utf8("erstes Gerät")),
      craft.attribute(OID.serialNumber, craft.utf8("S-1")),
    ),
    set(craft.attribute(OID.commonName, bmp("zweites"))),
    set(craft.attribute(OID.title, textString(TAG.teletexString, "old"))),
    set(craft.attribute(OID.emailAddress, textString(TAG.ia5String, "a@b"))),
    set(craft.attribute("1.2.3.4", der(0x0a, Uint8Array.of(7)))),
  );
  const certificate = parse({ subject });
  assert.deepEqual(attributeValues(certificate.subject, "commonName"), ["erstes Gerät", "zweites"]);
  assert.deepEqual(attributeValues(certificate.subject, "title"), ["old"]);
  assert.deepEqual(attributeValues(certificate.subject, "1.2.3.4"), ["#07"]);
  assert.deepEqual(
    certificate.subject.attributes.map((one) => one.rdn),
    [0, 1, 1, 2, 3, 4, 5],
  );
  assert.deepEqual(attributeValues(certificate.issuer, "commonName"), ["Maker CA"]);
});

test("every kind of alternative name is read", () => {
  const hardware = sequence(encodeOid("1.3.6.1.4.1.99999"), der(TAG.octetString, Uint8Array.of(1)));
  const san = craft.alternativeNames(
    der(0xa0, encodeOid(OID.hardwareModuleName), explicit(0, hardware)),
    craft.generalName(1, "a@b.example"),
    craft.generalName(2, "a.example"),
    der(0xa4, craft.name(craft.attribute(OID.commonName, craft.utf8("dir")))),
    craft.generalName(6, "urn:thing:1"),
    der(0x87, Uint8Array.of(192, 0, 2, 1)),
    der(0x88, Uint8Array.of(0x2a, 3)),
  );
  const { sans } = parse({ extensions: { san } });
  assert.deepEqual(
    sans.map((name) => name.type),
    ["other", "email", "dns", "directory", "uri", "ip", "registered-id"],
  );
  assert.deepEqual(
    sans.slice(1, 6).map((name) => name.value),
    ["a@b.example", "a.example", "commonName=dir", "urn:thing:1", "192.0.2.1"],
  );
});

test("serial, times, CA flag, key ids and the id come out as they stand", () => {
  const certificate = parse({
    serial: der(TAG.integer, Uint8Array.of(0, 0xff)),
    extensions: { bc: craft.basicConstraints([derTrue], true), aki: craft.authorityKeyId(Uint8Array.of(9)) },
  });
  assert.equal(certificate.serial, "00ff");
  assert.equal(certificate.notBeforeMs, Date.UTC(2020, 0, 1));
  assert.equal(certificate.notAfterMs, Date.UTC(9999, 11, 31, 23, 59, 59));
  assert.equal(certificate.isCa, true);
  assert.deepEqual([...(certificate.authorityKeyId ?? [])], [9]);
  assert.equal(certificate.subjectKeyId, undefined);
  assert.match(certificateId(certificate.der), /^[0-9a-f]{64}$/);
});

test("old certificates are read as what they are: version 1, no extensions, written defaults", () => {
  const first = parse({ version: craft.NOTHING, tail: craft.NOTHING });
  assert.equal(first.tbs.version, 1);
  assert.deepEqual(first.extensions, []);
  const written = parse({ extensions: { bc: craft.basicConstraints([der(TAG.boolean, Uint8Array.of(0))], false) } });
  assert.equal(written.isCa, false);
  assert.equal(written.extensions[0]?.writesDefault, true);
});

const WRONG: Readonly<Record<string, Partial<craft.CertificateParts>>> = {
  "a boolean that is neither": {
    extensions: { x: sequence(encodeOid("1.2.3"), der(TAG.boolean, Uint8Array.of(1)), der(4)) },
  },
  "two booleans": { extensions: { x: sequence(encodeOid("1.2.3"), derTrue, derTrue, der(4)) } },
  "an extension without a value": { extensions: { x: sequence(encodeOid("1.2.3")) } },
  "bytes after an extension's value": { extensions: { x: sequence(encodeOid("1.2.3"), der(4), der(4)) } },
  "an extension twice": { extensions: { a: craft.keyUsage([0]), b: craft.keyUsage([5]) } },
  "65 extensions": {
    extensions: Object.fromEntries(
      Array.from({ length: 65 }, (_, i) => [i, craft.extension(`1.2.3.${i}`, sequence())]),
    ),
  },
  "an inner element after an extension": {
    extensions: { x: craft.extension(OID.basicConstraints, Buffer.of(0x30, 0, 0)) },
  },
  "a path length of 128": {
    extensions: { x: craft.basicConstraints([derTrue, der(TAG.integer, Uint8Array.of(0, 128))]) },
  },
  "an empty path length": { extensions: { x: craft.basicConstraints([derTrue, der(TAG.integer)]) } },
  "a key usage without its first octet": { extensions: { x: craft.extension(OID.keyUsage, der(TAG.bitString)) } },
  "a key usage with eight unused bits": {
    extensions: { x: craft.extension(OID.keyUsage, der(TAG.bitString, Uint8Array.of(8, 1))) },
  },
  "a long key usage": { extensions: { x: craft.extension(OID.keyUsage, bitString(new Uint8Array(3))) } },
  "an authority key id out of order": {
    extensions: { x: craft.extension(OID.authorityKeyIdentifier, sequence(der(0x82, Uint8Array.of(1)), der(0x80))) },
  },
  "an authority key id twice": {
    extensions: { x: craft.extension(OID.authorityKeyIdentifier, sequence(der(0x80), der(0x80))) },
  },
  "an alternative name of an unknown kind": { extensions: { x: craft.alternativeNames(der(0x8a)) } },
  "a DNS name that is constructed": { extensions: { x: craft.alternativeNames(der(0xa2)) } },
  "a DNS name beyond ASCII": { extensions: { x: craft.alternativeNames(craft.generalName(2, "münchen")) } },
  "257 alternative names": {
    extensions: { x: craft.alternativeNames(...Array.from({ length: 257 }, () => craft.generalName(2, "a"))) },
  },
  "a directory name with bytes after it": {
    extensions: { x: craft.alternativeNames(der(0xa4, sequence(), sequence())) },
  },
  "text that is not UTF-8": {
    subject: craft.name(craft.attribute(OID.commonName, der(TAG.utf8String, Uint8Array.of(0xff)))),
  },
  "a printable string beyond ASCII": {
    subject: craft.name(craft.attribute(OID.commonName, der(TAG.printableString, Uint8Array.of(0xe4)))),
  },
  "half a wide character": {
    subject: craft.name(craft.attribute(OID.commonName, der(TAG.bmpString, Uint8Array.of(1)))),
  },
  "an empty part of a name": { subject: sequence(set()) },
  "65 attributes": {
    subject: craft.name(...Array.from({ length: 65 }, () => craft.attribute(OID.commonName, craft.utf8("x")))),
  },
  "the version 128": { version: explicit(0, der(TAG.integer, Uint8Array.of(0, 128))) },
  "a local time": { notAfter: craft.utc("260101000000+0100") },
  "an element after the extensions": { tail: Buffer.concat([explicit(3, sequence()), sequence()]) },
};

for (const [what, parts] of Object.entries(WRONG)) {
  test(`a certificate is refused: ${what}`, () => {
    assert.throws(() => parse(parts), { name: "PkiError", code: "certificate_malformed" });
  });
}

test("a certificate with bytes around it, or as PEM with another label, is refused", () => {
  const { der: good, pem } = ca.certificate;
  assert.deepEqual(parseCertificate(pem).der.length, good.length);
  for (const bad of [Buffer.concat([good, Buffer.of(0)]), good.subarray(0, -1), Buffer.alloc(20_000, 0x30)]) {
    assert.throws(() => parseCertificate(bad), { code: "certificate_malformed" });
  }
  const key = generateEcKey().privateKeyPem;
  assert.throws(() => parseCertificate(key), { code: "certificate_malformed", message: /label/ });
});

test("a signature is accepted from its issuer's key only, and never throws", () => {
  const certificate = parseCertificate(ca.certificate.der);
  const root = parseCertificate(ca.root.der);
  assert.equal(isSignedBy(certificate, root.spki), true);
  assert.equal(isSignedBy(certificate, certificate.spki), false);
  assert.equal(isSignedBy(certificate, generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey), false);
  assert.equal(isSignedBy(certificate, Uint8Array.of(1, 2, 3)), false);
  const unknown = parse({ algorithm: sequence(encodeOid("1.2.3")) });
  assert.equal(isSignedBy({ ...unknown, signatureAlgorithm: unknown.tbs.signatureAlgorithm }, spki), false);
});

test("every single-byte change is refused by the reader or by the signature", () => {
  const { der: good } = ca.certificate;
  const root = parseCertificate(ca.root.der);
  for (let at = 0; at < good.length; at++) {
    const bad = Uint8Array.from(good);
    bad[at]! ^= 0x01;
    try {
      assert.equal(isSignedBy(parseCertificate(bad), root.spki), false, `byte ${at}`);
    } catch (error) {
      if (!(error instanceof PkiError)) throw error;
    }
  }
});

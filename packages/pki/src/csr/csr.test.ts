import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import * as craft from "../../test/craft-certificate.ts";
import { exampleCa } from "../../test/example-ca.ts";
import * as weak from "../../test/weak-rsa-moduli.ts";
import { encodeName } from "../certificate/encode-name.ts";
import { parseCertificate } from "../certificate/parse-certificate.ts";
import { encodeOid, OID } from "../der/oid.ts";
import { TAG } from "../der/tags.ts";
import {
  bitString,
  der,
  derNull,
  derTrue,
  explicit,
  octetString,
  sequence,
  set,
  smallInteger,
  textString,
  unsignedInteger,
} from "../der/writer.ts";
import { issue } from "../issue/issue.ts";
import { prepare } from "../issue/prepare.ts";
import { checkPublicKey } from "../keys/check-public-key.ts";
import { generateEcKey } from "../keys/generate-ec-key.ts";
import { fileSigner, type Signer } from "../keys/signer.ts";
import { pemDecode, pemEncode } from "../pem.ts";
import { PkiError, type PkiErrorCode } from "../pki-error.ts";
import { buildCsr } from "./build-csr.ts";
import { parseCsr } from "./parse-csr.ts";
import { verifyCsr } from "./verify-csr.ts";

const ca = await exampleCa();
const ec = generateEcKey();
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const SUBJECT = encodeName({ commonName: "pump-7" });
const EXTENSION_REQUEST = encodeOid("1.2.840.113549.1.9.14");

interface CsrParts {
  readonly version?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly spki?: Uint8Array;
  readonly attributes?: Uint8Array;
  /** Between the attributes and the end of the signed part. */
  readonly extra?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly key?: KeyObject;
  readonly digest?: string;
}

/** A request that is sound but for the given parts, and properly signed unless a signature is given. */
function craftCsr(parts: CsrParts): Uint8Array {
  const { version = smallInteger(0), subject = SUBJECT, spki = ec.spki, attributes = explicit(0) } = parts;
  const info = sequence(version, subject, spki, attributes, parts.extra ?? craft.NOTHING);
  const signature = parts.signature ?? bitString(sign(parts.digest ?? "sha256", info, parts.key ?? ec.privateKey));
  return sequence(info, parts.algorithm ?? craft.ECDSA_SHA256, signature);
}

const requested = (...extensions: readonly Uint8Array[]): CsrParts => ({
  attributes: explicit(0, sequence(EXTENSION_REQUEST, set(sequence(...extensions)))),
});
const subject = (...attributes: readonly Uint8Array[]): CsrParts => ({ subject: craft.name(...attributes) });
const cn = (tag: number, text: string | Uint8Array) =>
  craft.attribute(OID.commonName, typeof text === "string" ? textString(tag, text) : der(tag, text));
const algorithm = (oid: string, parameters = craft.NOTHING) => sequence(encodeOid(oid), parameters);
const rsaKey = (modulus: Uint8Array, exponent = Uint8Array.of(1, 0, 1)) =>
  sequence(
    algorithm(OID.rsaEncryption, derNull),
    bitString(sequence(unsignedInteger(modulus), unsignedInteger(exponent))),
  );
const SHA256_RSA = algorithm(OID.sha256WithRsa, derNull);
const rsaSpki = craft.spkiOf(rsa);

function nested(depth: number, tag: number): Uint8Array {
  let inner = derNull;
  for (let i = 0; i < depth; i++) inner = der(tag, inner);
  return inner;
}

/** Sound requests that ask for too much. They are accepted, and nothing of what they ask for is in the certificate. */
const SMUGGLED: Readonly<Record<string, CsrParts>> = {
  "a DNS name": requested(craft.alternativeNames(craft.generalName(2, "admin.example"))),
  "an IP address": requested(craft.alternativeNames(der(0x87, Uint8Array.of(127, 0, 0, 1)))),
  "a URI of another thing": requested(craft.alternativeNames(craft.generalName(6, "urn:thing:other"))),
  "an e-mail address": requested(craft.alternativeNames(craft.generalName(1, "root@example"))),
  "CA:TRUE": requested(craft.basicConstraints([derTrue], true)),
  "CA:TRUE with a path length": requested(craft.basicConstraints([derTrue, smallInteger(3)], true)),
  keyCertSign: requested(craft.keyUsage([0, 5, 6], true)),
  serverAuth: requested(craft.extendedKeyUsage(OID.serverAuth)),
  "any purpose": requested(craft.extendedKeyUsage(OID.anyExtendedKeyUsage)),
  OCSPSigning: requested(craft.extendedKeyUsage("1.3.6.1.5.5.7.3.9")),
  codeSigning: requested(craft.extendedKeyUsage("1.3.6.1.5.5.7.3.3")),
  "name constraints": requested(craft.extension(OID.nameConstraints, sequence(), true)),
  "certificate policies": requested(
    craft.extension(OID.certificatePolicies, sequence(sequence(encodeOid("2.5.29.32.0")))),
  ),
  "its own authority key id": requested(craft.authorityKeyId(new Uint8Array(20))),
  "its own subject key id": requested(craft.extension(OID.subjectKeyIdentifier, octetString(new Uint8Array(20)))),
  "an unknown critical extension": requested(craft.extension("1.2.3.4", sequence(), true)),
  "the same extension twice": requested(craft.keyUsage([0]), craft.keyUsage([5])),
  "a challenge password": {
    attributes: explicit(0, sequence(encodeOid("1.2.840.113549.1.9.7"), set(craft.utf8("secret")))),
  },
  "the issuer's own name": { subject: ca.issuer.name },
  "an empty subject": { subject: sequence() },
  "a NUL in its name": subject(cn(TAG.utf8String, "pump-7\u0000.evil")),
  "a punycode name": subject(cn(TAG.utf8String, "xn--pmp-7-8va.example")),
  "a right-to-left override": subject(cn(TAG.utf8String, "pump\u202E7-cexe")),
  "a policy wildcard": subject(cn(TAG.utf8String, "*")),
  "a line break and a forged log line": subject(cn(TAG.utf8String, 'a\n{"level":"info"}')),
  "a wide string": subject(cn(TAG.bmpString, Buffer.from("\u0000p\u0000u", "latin1"))),
  "an odd wide string": subject(cn(TAG.bmpString, Uint8Array.of(0, 0x70, 0))),
  "text that is not UTF-8": subject(cn(TAG.utf8String, Uint8Array.of(0xc0, 0x80, 0xff))),
  "a name of 4,000 characters": subject(cn(TAG.utf8String, "x".repeat(4000))),
  "two common names": subject(cn(TAG.utf8String, "first"), cn(TAG.utf8String, "second")),
};

for (const [what, parts] of Object.entries(SMUGGLED)) {
  test(`a CSR cannot smuggle into the certificate: ${what}`, () => {
    const csr = parseCsr(craftCsr(parts));
    const publicKey = verifyCsr(csr);
    const prepared = prepare(ca.issuer, "device", {
      publicKey,
      subject: { commonName: "A device" },
      nowMs: Date.now(),
    });
    const certificate = parseCertificate(issue(prepared, ca.signer).der);
    const shape = certificate.extensions.map((extension) => [
      extension.oid,
      extension.critical,
      extension.value.length,
    ]);
    const shown = `${csr.subject.commonName} ${csr.subject.serialNumber}`;
    assert.deepEqual(shape, PLAIN_SHAPE);
    assert.deepEqual(
      certificate.subject.attributes.map((one) => one.value),
      ["A device"],
    );
    assert.deepEqual([...certificate.spki], [...ec.spki]);
    assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}]/u);
    assert.equal(shown.length <= 300, true);
  });
}

const PLAIN_SHAPE = [
  [OID.subjectKeyIdentifier, false, 22],
  [OID.authorityKeyIdentifier, false, 24],
  [OID.basicConstraints, true, 2],
  [OID.keyUsage, true, 4],
  [OID.extendedKeyUsage, false, 12],
];

type Refusal = readonly [bytes: Uint8Array | string, code: PkiErrorCode, message: RegExp];
const good = craftCsr({});
const goodPem = pemEncode(good, "CERTIFICATE REQUEST");
const otherKey = generateEcKey();
const p224 = generateKeyPairSync("ec", { namedCurve: "secp224r1" });
const ed25519 = generateKeyPairSync("ed25519");
const explicitCurve = sequence(
  sequence(encodeOid(OID.ecPublicKey), sequence(smallInteger(1), derNull)),
  ec.spki.subarray(-68),
);
const offCurve = Uint8Array.from(ec.spki).with(90, ec.spki[90]! ^ 1);
const malformed = (bytes: Uint8Array | string, message = /./): Refusal => [bytes, "csr_malformed", message];
const unsigned = (parts: CsrParts, message = /signed with/): Refusal => [
  craftCsr(parts),
  "csr_signature_invalid",
  message,
];
const rsaParts = { spki: rsaSpki, key: rsa, algorithm: SHA256_RSA };

const REFUSED: Readonly<Record<string, Refusal>> = {
  "another key's signature": unsigned({ key: otherKey.privateKey }, /own private key/),
  "the digest of another algorithm": unsigned({ digest: "sha384" }, /own private key/),
  "MD5 with RSA": unsigned(
    { ...rsaParts, digest: "md5", algorithm: algorithm("1.2.840.113549.1.1.4", derNull) },
    /MD5/,
  ),
  "SHA-1 with RSA": unsigned(
    { ...rsaParts, digest: "sha1", algorithm: algorithm("1.2.840.113549.1.1.5", derNull) },
    /SHA-1/,
  ),
  "SHA-1 with ECDSA": unsigned({ digest: "sha1", algorithm: algorithm("1.2.840.10045.4.1") }, /SHA-1/),
  "SHA-224 with ECDSA": unsigned({ digest: "sha224", algorithm: algorithm("1.2.840.10045.4.3.1") }, /SHA-224/),
  "RSASSA-PSS": unsigned({ ...rsaParts, algorithm: algorithm("1.2.840.113549.1.1.10", sequence()) }, /PSS/),
  "an unknown signature algorithm": unsigned({ algorithm: algorithm("1.2.3.4") }, /1\.2\.3\.4/),
  "NULL parameters for ECDSA": unsigned({ algorithm: algorithm(OID.ecdsaWithSha256, derNull) }, /parameters/),
  "no parameters for RSA": unsigned({ ...rsaParts, algorithm: algorithm(OID.sha256WithRsa) }, /parameters/),
  "an RSA algorithm over an EC key": unsigned({ algorithm: SHA256_RSA }, /names an ec-p256 key/),
  "an ECDSA algorithm over an RSA key": unsigned({ ...rsaParts, algorithm: craft.ECDSA_SHA256 }, /names an rsa-2048/),
  "an empty signature": unsigned({ signature: bitString(craft.NOTHING) }, /own private key/),
  "a signature of zeros": unsigned(
    { signature: bitString(sequence(smallInteger(0), smallInteger(0))) },
    /own private key/,
  ),
  "a signature with bytes after it": unsigned(
    { signature: bitString(Buffer.concat([parseCsr(good).signature, Buffer.of(0)])) },
    /own private key/,
  ),
  "RSA 1024": [craftCsr({ ...rsaParts, spki: rsaKey(Buffer.alloc(128, 0xff)) }), "key_weak", /1024 bits/],
  "RSA 512": [craftCsr({ ...rsaParts, spki: rsaKey(Buffer.alloc(64, 0xff)) }), "key_weak", /512 bits/],
  "RSA 16384": [craftCsr({ ...rsaParts, spki: rsaKey(Buffer.alloc(2048, 0xff)) }), "key_algorithm_refused", /16384/],
  "the exponent 3": [craftCsr({ ...rsaParts, spki: rsaKey(weak.barelyFips, Buffer.of(3)) }), "key_weak", /65537/],
  "a ROCA key": [craftCsr({ ...rsaParts, spki: rsaKey(weak.roca) }), "key_weak", /ROCA/],
  "close primes": [craftCsr({ ...rsaParts, spki: rsaKey(weak.canonPrinter) }), "key_weak", /too close/],
  "P-224": [
    craftCsr({ spki: craft.spkiOf(p224.privateKey), key: p224.privateKey }),
    "key_algorithm_refused",
    /1\.3\.132\.0\.33/,
  ],
  "Ed25519 within an ECDSA request": [
    craftCsr({ spki: craft.spkiOf(ed25519.privateKey) }),
    "key_algorithm_refused",
    /./,
  ],
  "explicit curve parameters": [craftCsr({ spki: explicitCurve }), "key_algorithm_refused", /explicit/],
  "a point off its curve": [craftCsr({ spki: offCurve }), "key_weak", /not a point/],
  "the version 2": malformed(craftCsr({ version: smallInteger(1) }), /version/),
  "a padded version": malformed(craftCsr({ version: der(TAG.integer, Buffer.of(0, 0)) }), /needless/),
  "a certificate instead": malformed(ca.certificate.der),
  "a subject that is a set": malformed(craftCsr({ subject: set() }), /subject/),
  "an empty part of the subject": malformed(craftCsr({ subject: sequence(set()) }), /empty/),
  "an attribute without a value": malformed(craftCsr({ subject: sequence(set(sequence(encodeOid(OID.commonName)))) })),
  "an attribute without a set": malformed(craftCsr({ attributes: explicit(0, sequence(EXTENSION_REQUEST)) })),
  "attributes with another tag": malformed(craftCsr({ attributes: explicit(1) })),
  "attributes twice": malformed(craftCsr({ extra: explicit(0) }), /after/),
  "an element after the attributes": malformed(craftCsr({ extra: derNull }), /after/),
  "an element after the signature": malformed(sequence(good.subarray(4), derNull)),
  "a byte after the request": malformed(Buffer.concat([good, Buffer.of(0)]), /after/),
  "a second request after it": malformed(Buffer.concat([good, good]), /after/),
  "a signature with unused bits": malformed(craftCsr({ signature: der(TAG.bitString, Buffer.of(1, 2, 4)) }), /unused/),
  "a constructed signature": malformed(craftCsr({ signature: der(0x23, bitString(Buffer.of(1))) }), /signature/),
  "an indefinite length": malformed(
    Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(3), Buffer.of(0, 0)]),
    /indefinite/,
  ),
  "a length that is not minimal": malformed(Buffer.concat([Buffer.of(0x30, 0x83, 0), good.subarray(2)])),
  "a length of four gigabytes": malformed(Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0), /longer/),
  "a length of 127 octets": malformed(Buffer.concat([Buffer.of(0x30, 0xff), Buffer.alloc(200, 0xff)]), /oversized/),
  "a high tag number": malformed(craftCsr({ subject: Buffer.of(0x3f, 0x81, 0x01, 0x00) })),
  "an object identifier that is cut off": malformed(
    craftCsr({ algorithm: sequence(der(TAG.oid, Buffer.of(0x2a, 0x86))) }),
  ),
  "a padded object identifier": malformed(craftCsr({ algorithm: sequence(der(TAG.oid, Buffer.of(0x2a, 0x80, 0x01))) })),
  "an empty object identifier": malformed(craftCsr({ algorithm: sequence(der(TAG.oid)) })),
  "deep nesting in an attribute": malformed(
    craftCsr({ attributes: explicit(0, sequence(EXTENSION_REQUEST, set(nested(1000, 0x30)))) }),
    /deep/,
  ),
  "nesting 2,000 deep": malformed(nested(2000, 0x30)),
  "a megabyte": malformed(Buffer.alloc(1 << 20, 0x30), /at most 8192/),
  "8 KiB and a byte": malformed(craftCsr(subject(cn(TAG.utf8String, "x".repeat(8192)))), /at most 8192/),
  "no bytes": malformed(new Uint8Array(0)),
  "only a tag": malformed(Buffer.of(0x30)),
  "no text": malformed("", /PEM/),
  "another label": malformed(pemEncode(good, "CERTIFICATE"), /label/),
  "two labels": malformed(goodPem.replace("END CERTIFICATE REQUEST", "END CERTIFICATE"), /label/),
  "two blocks": malformed(goodPem + goodPem, /PEM/),
  "prose before the block": malformed(`Certificate Request:\n${goodPem}`, /nothing else/),
  "base64 with a foreign character": malformed(goodPem.replace(/\nM/, "\n*M"), /PEM/),
  "base64 for URLs": malformed(goodPem.replaceAll("+", "-").replaceAll("/", "_").replace(/^/, " "), /./),
  "base64 with bits beyond its end": malformed(
    "-----BEGIN CERTIFICATE REQUEST-----\nMB==\n-----END CERTIFICATE REQUEST-----\n",
    /canonical/,
  ),
  "a megabyte of text": malformed("A".repeat(1 << 20), /at most/),
  "a private key by mistake": malformed(ec.privateKeyPem, /label/),
};

for (const [what, [bytes, code, message]] of Object.entries(REFUSED)) {
  test(`a CSR is refused with its reason: ${what}`, () => {
    const before = performance.now();
    assert.throws(() => verifyCsr(parseCsr(bytes)), { name: "PkiError", code, message });
    assert.equal(performance.now() - before < 250, true, "refused in bounded time");
  });
}

test("the corpus has at least sixty attacks", () => {
  assert.equal(Object.keys(SMUGGLED).length + Object.keys(REFUSED).length >= 60, true);
});

for (const [name, spki, key, signatureAlgorithm] of [
  ["EC", ec.spki, ec.privateKey, craft.ECDSA_SHA256],
  ["RSA", rsaSpki, rsa, SHA256_RSA],
] as const) {
  test(`every single-byte change of an ${name} request is refused`, () => {
    const request = craftCsr({ spki, key, algorithm: signatureAlgorithm });
    assert.equal(verifyCsr(parseCsr(request)).spki.length, spki.length);
    for (let at = 0; at < request.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const bad = Uint8Array.from(request);
        bad[at]! ^= mask;
        assert.throws(() => verifyCsr(parseCsr(bad)), PkiError, `byte ${at} by ${mask}`);
      }
    }
  });
}

test("requests by the usual tools are read: other line lengths, CRLF, the old label, no attributes", () => {
  const body = Buffer.from(good).toString("base64");
  const variants = [
    goodPem,
    goodPem.trimEnd(),
    goodPem.replaceAll("\n", "\r\n"),
    `\n${goodPem}\n\n`,
    `-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----`,
    `-----BEGIN CERTIFICATE REQUEST-----\n${body.replaceAll(/.{76}/g, "$&\n")}\n-----END CERTIFICATE REQUEST-----\n`,
    goodPem.replaceAll("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
    good,
    craftCsr({ attributes: craft.NOTHING }),
  ];
  for (const variant of variants) assert.equal(verifyCsr(parseCsr(variant)).algorithm, "ec-p256");
});

test("requests are accepted from every key of the policy and every sound digest", async () => {
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey;
  for (const [key, digest, oid] of [
    [p384, "sha384", OID.ecdsaWithSha384],
    [p521, "sha512", OID.ecdsaWithSha512],
    [ec.privateKey, "sha512", OID.ecdsaWithSha512],
  ] as const) {
    const csr = craftCsr({ spki: craft.spkiOf(key), key, digest, algorithm: algorithm(oid) });
    assert.match(verifyCsr(parseCsr(csr)).algorithm, /^ec-/);
  }
  for (const key of [p384, rsa]) {
    const { pem } = await buildCsr({ subject: { commonName: "x" } }, fileSigner(key));
    assert.equal(verifyCsr(parseCsr(pem)).fingerprint, checkPublicKey(craft.spkiOf(key)).fingerprint);
  }
});

test("a request is built by any signer, also one that answers later", async () => {
  const inner = fileSigner(ec.privateKey);
  const token: Signer = { ...inner, sign: async (tbs) => inner.sign(tbs) };
  const { der: built, pem } = await buildCsr({ subject: { commonName: "pump-7", serialNumber: "A-1" } }, token);
  assert.deepEqual([...pemDecode(pem, "CERTIFICATE REQUEST")], [...built]);
  const csr = parseCsr(built);
  assert.equal(csr.subject.commonName, "pump-7");
  assert.equal(csr.subject.serialNumber, "A-1");
  assert.equal(verifyCsr(csr).algorithm, "ec-p256");
});

test("a blocked key is refused although the request is sound", () => {
  assert.throws(() => verifyCsr(parseCsr(good), { isBlocked: () => true }), { code: "key_weak" });
});

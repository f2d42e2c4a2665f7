import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import * as craft from "../../test/craft-certificate.ts";
import { exampleCa } from "../../test/example-ca.ts";
import { encodeName } from "../certificate/encode-name.ts";
import { parseCertificate } from "../certificate/parse-certificate.ts";
import { parseTbs } from "../certificate/parse-tbs.ts";
import { encodeOid, OID } from "../der/oid.ts";
import { TAG } from "../der/tags.ts";
import { encodeTime } from "../der/time.ts";
import { der, derNull, derTrue, octetString, sequence, set, smallInteger, textString } from "../der/writer.ts";
import { issue } from "../issue/issue.ts";
import { createIssuer, type Issuer } from "../issue/issuer.ts";
import { keyIdentifier } from "../issue/key-identifier.ts";
import { prepare } from "../issue/prepare.ts";
import type { ProfileName } from "../issue/profiles.ts";
import { checkPublicKey } from "../keys/check-public-key.ts";
import { generateEcKey } from "../keys/generate-ec-key.ts";
import { CERTIFICATE_LINTS, lintCertificate } from "./lint-certificate.ts";
import { lintTbs, TBS_LINTS } from "./lint-tbs.ts";

const ca = await exampleCa();
const { spki } = generateEcKey();
const rsaSpki = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "der", type: "spki" });
const nowMs = ca.issuer.notBeforeMs + 7_200_000;
const SERIAL = Uint8Array.from({ length: 19 }, (_, i) => i + 1);

/** A sound device certificate, in parts. */
const DEVICE: craft.CertificateParts = {
  version: craft.VERSION_3,
  serial: der(TAG.integer, SERIAL),
  algorithm: craft.ECDSA_SHA256,
  issuer: ca.issuer.name,
  notBefore: encodeTime(nowMs),
  notAfter: encodeTime(nowMs + 86_400_000),
  subject: encodeName({ commonName: "A device" }),
  spki,
  uniqueIds: craft.NOTHING,
  extensions: {
    ski: craft.extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(spki))),
    aki: craft.authorityKeyId(ca.issuer.keyId),
    bc: craft.basicConstraints([], true),
    ku: craft.keyUsage([0], true),
    eku: craft.extendedKeyUsage(OID.clientAuth),
  },
};

/** The same as an issuing CA under the root. */
const CA: craft.CertificateParts = {
  ...DEVICE,
  issuer: ca.rootIssuer.name,
  extensions: {
    ski: DEVICE.extensions["ski"],
    aki: craft.authorityKeyId(ca.rootIssuer.keyId),
    bc: craft.basicConstraints([derTrue, smallInteger(0)], true),
    ku: craft.keyUsage([5, 6], true),
  },
};

interface Fixture {
  readonly base?: craft.CertificateParts;
  readonly parts?: Partial<craft.CertificateParts>;
  readonly extensions?: Readonly<Record<string, Uint8Array | undefined>>;
  /** The profile and issuer to compare with; none by default, so that the finding is the general one. */
  readonly profile?: ProfileName;
  readonly issuer?: Issuer;
  readonly expected?: { serial: Uint8Array; spki: Uint8Array };
}

const subject = (...attributes: readonly Uint8Array[]): Fixture => ({ parts: { subject: craft.name(...attributes) } });
const cn = (value: Uint8Array) => craft.attribute(OID.commonName, value);
const names = (...list: readonly Uint8Array[]): Fixture => ({ extensions: { san: craft.alternativeNames(...list) } });
const serial = (...octets: readonly number[]): Fixture => ({
  parts: { serial: der(TAG.integer, Uint8Array.from(octets)) },
});
const device = (fixture: Fixture): Fixture => ({ ...fixture, profile: "device" });
const issuer = (fixture: Fixture, by: Issuer = ca.issuer): Fixture => ({ ...fixture, issuer: by });
const odd = (oid: string, critical?: boolean) => craft.extension(oid, sequence(), critical);

/** One certificate for each rule, wrong in the way that the rule is about. */
const FIXTURES: Readonly<Record<string, Fixture>> = {
  version_3: { parts: { version: craft.NOTHING } },
  serial_positive: serial(0x80, ...SERIAL),
  serial_at_most_20_octets: serial(1, 2, 3, ...SERIAL),
  serial_unpredictable: serial(1, 2, 3, 4, 5, 6, 7, 8),
  signature_algorithm_accepted: { parts: { algorithm: sequence(encodeOid("1.2.840.113549.1.1.5"), derNull) } },
  signature_parameters: { parts: { algorithm: sequence(encodeOid(OID.ecdsaWithSha256), derNull) } },
  not_before_form: { parts: { notBefore: craft.generalized("20260101000000Z") } },
  not_after_form: { parts: { notAfter: craft.generalized("20491231235959Z") } },
  validity_order: { parts: { notAfter: encodeTime(nowMs - 1000) } },
  unique_ids_absent: { parts: { uniqueIds: der(0x81, Uint8Array.of(0, 1)) } },
  public_key_accepted: { parts: { spki: sequence(sequence(encodeOid("1.3.101.112")), der(TAG.bitString, SERIAL)) } },
  rsa_modulus_odd: { parts: { spki: Uint8Array.from(rsaSpki).with(rsaSpki.length - 6, 0x42) } },
  issuer_not_empty: { parts: { issuer: sequence() } },
  ca_subject_not_empty: { base: CA, parts: { subject: sequence() } },
  name_single_valued: {
    parts: {
      subject: sequence(set(cn(craft.utf8("a")), craft.attribute(OID.organization, craft.utf8("b")))),
    },
  },
  name_string_type: subject(cn(textString(TAG.teletexString, "old"))),
  name_printable_alphabet: subject(cn(textString(TAG.printableString, "a@b"))),
  name_not_empty: subject(cn(craft.utf8(""))),
  name_upper_bound: subject(cn(craft.utf8("x".repeat(65)))),
  name_no_control_characters: subject(cn(craft.utf8("www.example\u0000.evil"))),
  name_no_outer_spaces: subject(cn(craft.utf8("device "))),
  name_country_two_letters: subject(craft.attribute(OID.country, textString(TAG.printableString, "D"))),
  extensions_not_empty: { parts: { tail: der(0xa3, sequence()) } },
  extension_default_not_written: { extensions: { eku: odd(OID.certificatePolicies, false) } },
  critical_extension_understood: { extensions: { odd: odd("1.2.3.4", true) } },
  aki_not_critical: {
    extensions: { aki: craft.extension(OID.authorityKeyIdentifier, sequence(der(0x80, SERIAL)), true) },
  },
  ski_not_critical: { extensions: { ski: craft.extension(OID.subjectKeyIdentifier, octetString(SERIAL), true) } },
  aia_not_critical: { extensions: { aia: odd(OID.authorityInfoAccess, true) } },
  sia_not_critical: { extensions: { sia: odd(OID.subjectInfoAccess, true) } },
  key_usage_critical: { extensions: { ku: craft.keyUsage([0]) } },
  name_constraints_critical: { base: CA, extensions: { nc: odd(OID.nameConstraints) } },
  name_constraints_only_in_ca: { extensions: { nc: odd(OID.nameConstraints, true) } },
  ca_subject_key_id_present: { base: CA, extensions: { ski: undefined } },
  subject_key_id_size: {
    extensions: { ski: craft.extension(OID.subjectKeyIdentifier, octetString(Uint8Array.of(1))) },
  },
  authority_key_id_has_key: { extensions: { aki: craft.extension(OID.authorityKeyIdentifier, sequence()) } },
  ca_key_usage_present: { base: CA, extensions: { ku: undefined } },
  ca_key_usage_signs: { base: CA, extensions: { ku: craft.keyUsage([6], true) } },
  key_usage_not_empty: {
    extensions: { ku: craft.extension(OID.keyUsage, der(TAG.bitString, Uint8Array.of(0)), true) },
  },
  key_usage_minimal: {
    extensions: { ku: craft.extension(OID.keyUsage, der(TAG.bitString, Uint8Array.of(6, 0x80)), true) },
  },
  key_cert_sign_only_in_ca: { extensions: { ku: craft.keyUsage([0, 5], true) } },
  key_usage_fits_key: { extensions: { ku: craft.keyUsage([0, 2], true) } },
  ca_basic_constraints_critical: { base: CA, extensions: { bc: craft.basicConstraints([derTrue, smallInteger(0)]) } },
  basic_constraints_default_not_written: {
    extensions: { bc: craft.basicConstraints([der(TAG.boolean, Uint8Array.of(0))], true) },
  },
  path_length_only_in_ca: { extensions: { bc: craft.basicConstraints([smallInteger(0)], true) } },
  ext_key_usage_not_empty: { extensions: { eku: craft.extendedKeyUsage() } },
  ext_key_usage_not_any: { extensions: { eku: craft.extendedKeyUsage(OID.anyExtendedKeyUsage) } },
  ext_key_usage_unique: { extensions: { eku: craft.extendedKeyUsage(OID.clientAuth, OID.clientAuth) } },
  subject_or_names_present: { parts: { subject: sequence() } },
  alt_names_not_empty: names(),
  alt_names_uncritical_beside_subject: {
    extensions: { san: craft.extension(OID.subjectAltName, sequence(craft.generalName(2, "a.example")), true) },
  },
  alt_name_dns_syntax: names(craft.generalName(2, "a..example")),
  alt_name_ip_size: names(der(0x87, Uint8Array.of(10, 0, 0))),
  alt_name_uri_absolute: names(craft.generalName(6, "/relative")),
  alt_name_email_syntax: names(craft.generalName(1, "nobody")),
  profile_serial: device(serial(...SERIAL, 20)),
  profile_serial_random: device(serial(...new Uint8Array(19).fill(9))),
  profile_signature: device({ parts: { algorithm: sequence(encodeOid(OID.ecdsaWithSha512)) } }),
  profile_validity: device({ parts: { notAfter: encodeTime(nowMs + 26 * 365 * 86_400_000) } }),
  profile_common_name: device(subject(craft.attribute(OID.organization, craft.utf8("Only an organization")))),
  profile_subject_kinds: device(subject(cn(craft.utf8("a")), craft.attribute(OID.organizationalUnit, craft.utf8("b")))),
  profile_extensions: device({ extensions: { odd: odd("1.2.3.4") } }),
  profile_basic_constraints: device({ extensions: { bc: craft.basicConstraints([derTrue], true) } }),
  profile_path_length: { base: CA, profile: "issuing-ca", extensions: { bc: craft.basicConstraints([derTrue], true) } },
  profile_key_usage: device({ extensions: { ku: craft.keyUsage([0, 4], true) } }),
  profile_ext_key_usage: device({ extensions: { eku: craft.extendedKeyUsage(OID.serverAuth) } }),
  profile_alt_names: device(names(craft.generalName(2, "a.example"))),
  profile_no_wildcard: { ...names(craft.generalName(2, "*.example.com")), profile: "server" },
  profile_subject_key_id: device({
    extensions: { ski: craft.extension(OID.subjectKeyIdentifier, octetString(SERIAL)) },
  }),
  issuer_name: issuer({ parts: { issuer: encodeName({ commonName: "Somebody else" }) } }),
  issuer_key_id: issuer({ extensions: { aki: craft.authorityKeyId(SERIAL) } }),
  issuer_algorithm: issuer({ parts: { algorithm: sequence(encodeOid(OID.ecdsaWithSha384)) } }),
  issuer_validity_contains: issuer({ parts: { notAfter: encodeTime(ca.issuer.notAfterMs + 1000) } }),
  issuer_serial_prefix: issuer(serial(2, ...SERIAL.subarray(1))),
  subject_is_not_issuer: issuer({ parts: { subject: ca.issuer.name } }),
  key_is_not_issuers: issuer({ parts: { spki: ca.issuer.spki } }),
  root_is_self_issued: issuer({}, { ...ca.rootIssuer, certificate: undefined }),
  issuer_path_length: issuer({ base: CA }),
  expected_serial: { expected: { serial: SERIAL.with(5, 99), spki } },
  expected_public_key: { expected: { serial: SERIAL, spki: ca.issuer.spki } },
};

function craftFixture({ base = DEVICE, parts = {}, extensions = {} }: Fixture): Uint8Array {
  return craft.craftTbs({ ...base, ...parts, extensions: { ...base.extensions, ...extensions } });
}

test("the sound certificates, from which every fixture deviates in one point, have no findings", () => {
  assert.deepEqual(lintTbs(craftFixture({}), { profile: "device", issuer: ca.issuer }), []);
  assert.deepEqual(lintTbs(craftFixture({ base: CA }), { profile: "issuing-ca", issuer: ca.rootIssuer }), []);
});

test("every rule has an id of its own, a citation and a fixture", () => {
  const ids = TBS_LINTS.map((lint) => lint.id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual([...ids].sort(), Object.keys(FIXTURES).sort());
  for (const lint of [...TBS_LINTS, ...CERTIFICATE_LINTS]) assert.notEqual(lint.citation, "", lint.id);
  assert.equal(ids.length + CERTIFICATE_LINTS.length >= 75, true, `${ids.length} rules`);
});

for (const [id, fixture] of Object.entries(FIXTURES)) {
  test(`the rule ${id} finds its fixture and says so in a sentence`, () => {
    const { profile, issuer: by, expected } = fixture;
    const context = { ...(profile && { profile }), ...(by && { issuer: by }), ...(expected && { expected }) };
    const finding = lintTbs(craftFixture(fixture), context).find((one) => one.id === id);
    assert.match(finding?.message ?? "none", / .*\.$/);
  });
}

test("bytes that cannot be read are a finding, not an exception", () => {
  const good = craftFixture({});
  for (const cut of [0, 1, 10, good.length - 1]) {
    assert.equal(lintTbs(good.subarray(0, cut))[0]?.id, "readable", `${cut}`);
  }
  assert.equal(lintTbs(Buffer.concat([good, Uint8Array.of(0)]))[0]?.id, "readable");
  assert.equal(lintCertificate(Uint8Array.of(0x30, 0x80, 0, 0))[0]?.id, "readable");
});

test("an extension that occurs twice is refused by the reader itself", () => {
  const twice = craftFixture({ extensions: { again: craft.keyUsage([0], true) } });
  assert.match(lintTbs(twice)[0]?.message ?? "", /twice/);
});

test("a certificate whose two algorithm fields differ, or whose signature is odd or foreign, is found", () => {
  const tbs = craftFixture({});
  const stranger = generateEcKey().privateKey;
  const found = (certificate: Uint8Array) => lintCertificate(certificate, { issuer: ca.issuer }).map((one) => one.id);
  const other = craft.craftCertificate(tbs, stranger, sequence(encodeOid(OID.ecdsaWithSha384)));
  assert.deepEqual(found(other), ["signature_algorithms_equal", "signature_valid"]);
  assert.deepEqual(found(craft.craftCertificate(tbs, stranger)), ["signature_valid"]);
  const form = sequence(tbs, craft.ECDSA_SHA256, der(TAG.bitString, Uint8Array.of(0, 1, 2, 3)));
  assert.deepEqual(found(form), ["signature_form", "signature_valid"]);
});

test("no single bit of a device certificate can change without a finding", () => {
  const publicKey = checkPublicKey(spki);
  const prepared = prepare(ca.issuer, "device", { publicKey, subject: { commonName: "A" }, nowMs: Date.now() });
  const { der: good } = issue(prepared, ca.signer);
  for (let at = 0; at < good.length; at++) {
    const bad = Uint8Array.from(good);
    bad[at]! ^= 1 << (at % 8);
    const findings = lintCertificate(bad, { profile: "device", issuer: ca.issuer });
    assert.notEqual(findings.length, 0, `byte ${at}`);
  }
});

test("the linter also reads a certificate of another CA, with or without a profile", () => {
  const certificate = parseCertificate(ca.certificate.der);
  assert.deepEqual(lintTbs(certificate.tbs.bytes), []);
  const settings = { signatureAlgorithm: "ecdsa-sha256", serialPrefix: 1, random: ca.issuer.random } as const;
  const reread = createIssuer({ certificate: ca.root.pem, ...settings });
  assert.deepEqual(lintCertificate(ca.certificate.der, { profile: "issuing-ca", issuer: reread }), []);
  assert.equal(parseTbs(certificate.tbs.bytes).version, 3);
});

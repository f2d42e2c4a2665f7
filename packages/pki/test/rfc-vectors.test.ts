// Vectors from specifications, and one of our own that pins every byte of what is signed.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import {
  attributeValues,
  checkPublicKey,
  createIssuer,
  isSignedBy,
  keyIdentifier,
  lintCertificate,
  parseCertificate,
  parseCsr,
  prepare,
  verifyCsr,
} from "@fleetmint/pki";

/** RFC 7468 §5.1, figure 6. */
const RFC7468_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIICLDCCAdKgAwIBAgIBADAKBggqhkjOPQQDAjB9MQswCQYDVQQGEwJCRTEPMA0G
A1UEChMGR251VExTMSUwIwYDVQQLExxHbnVUTFMgY2VydGlmaWNhdGUgYXV0aG9y
aXR5MQ8wDQYDVQQIEwZMZXV2ZW4xJTAjBgNVBAMTHEdudVRMUyBjZXJ0aWZpY2F0
ZSBhdXRob3JpdHkwHhcNMTEwNTIzMjAzODIxWhcNMTIxMjIyMDc0MTUxWjB9MQsw
CQYDVQQGEwJCRTEPMA0GA1UEChMGR251VExTMSUwIwYDVQQLExxHbnVUTFMgY2Vy
dGlmaWNhdGUgYXV0aG9yaXR5MQ8wDQYDVQQIEwZMZXV2ZW4xJTAjBgNVBAMTHEdu
dVRMUyBjZXJ0aWZpY2F0ZSBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAARS2I0jiuNn14Y2sSALCX3IybqiIJUvxUpj+oNfzngvj/Niyv2394BWnW4X
uQ4RTEiywK87WRcWMGgJB5kX/t2no0MwQTAPBgNVHRMBAf8EBTADAQH/MA8GA1Ud
DwEB/wQFAwMHBgAwHQYDVR0OBBYEFPC0gf6YEr+1KLlkQAPLzB9mTigDMAoGCCqG
SM49BAMCA0gAMEUCIDGuwD1KPyG+hRf88MeyMQcqOFZD0TbVleF+UsAGQ4enAiEA
l4wOuDwKQa+upc8GftXE2C//4mKANBC6It01gUaTIpo=
-----END CERTIFICATE-----
`;

/** RFC 7468 §7, figure 9: a request for a P-224 key. */
const RFC7468_REQUEST = `-----BEGIN CERTIFICATE REQUEST-----
MIIBWDCCAQcCAQAwTjELMAkGA1UEBhMCU0UxJzAlBgNVBAoTHlNpbW9uIEpvc2Vm
c3NvbiBEYXRha29uc3VsdCBBQjEWMBQGA1UEAxMNam9zZWZzc29uLm9yZzBOMBAG
ByqGSM49AgEGBSuBBAAhAzoABLLPSkuXY0l66MbxVJ3Mot5FCFuqQfn6dTs+9/CM
EOlSwVej77tj56kj9R/j9Q+LfysX8FO9I5p3oGIwYAYJKoZIhvcNAQkOMVMwUTAY
BgNVHREEETAPgg1qb3NlZnNzb24ub3JnMAwGA1UdEwEB/wQCMAAwDwYDVR0PAQH/
BAUDAwegADAWBgNVHSUBAf8EDDAKBggrBgEFBQcDATAKBggqhkjOPQQDAgM/ADA8
AhxBvfhxPFfbBbsE1NoFmCUczOFApEuQVUw3ZP69AhwWXk3dgSUsKnuwL5g/ftAY
dEQc8B8jAcnuOrfU
-----END CERTIFICATE REQUEST-----
`;

test("the certificate of RFC 7468 is read, verified, and found wanting where it is", () => {
  const certificate = parseCertificate(RFC7468_CERTIFICATE);
  assert.deepEqual(attributeValues(certificate.subject, "commonName"), ["GnuTLS certificate authority"]);
  assert.deepEqual(attributeValues(certificate.subject, "state"), ["Leuven"]);
  assert.equal(certificate.notBeforeMs, Date.UTC(2011, 4, 23, 20, 38, 21));
  assert.equal(certificate.isCa, true);
  assert.equal(isSignedBy(certificate, certificate.spki), true);
  // Its serial number is 0, and GnuTLS of 2011 wrote keyUsage with seven zero bits too many.
  const ids = lintCertificate(certificate.der).map((finding) => finding.id);
  assert.deepEqual(ids, ["serial_positive", "serial_unpredictable", "key_usage_minimal"]);
});

test("the request of RFC 7468 is read, and its curve refused by its number", () => {
  const csr = parseCsr(RFC7468_REQUEST);
  assert.equal(csr.subject.commonName, "josefsson.org");
  assert.throws(() => verifyCsr(csr), { code: "key_algorithm_refused", message: /1\.3\.132\.0\.33/ });
});

/** P-256 of RFC 6979 §A.2.5: a key whose public point everybody can look up. */
const RFC6979_SPKI = Buffer.from(
  "3059301306072a8648ce3d020106082a8648ce3d03010703420004" +
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" +
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
  "hex",
);

test("the same request makes the same bytes, in every release", () => {
  const issuer = createIssuer({
    certificate: RFC7468_CERTIFICATE,
    signatureAlgorithm: "ecdsa-sha256",
    serialPrefix: 0x11,
    random: { bytes: (length) => Uint8Array.from({ length }, (_, i) => i * 13) },
  });
  const publicKey = checkPublicKey(RFC6979_SPKI);
  const nowMs = Date.UTC(2012, 0, 1, 0, 0, 0);
  const prepared = prepare(issuer, "device", { publicKey, subject: { commonName: "A device" }, nowMs });
  assert.equal(publicKey.fingerprint, hash("sha256", RFC6979_SPKI, "hex"));
  assert.equal(prepared.serial, "11000d1a2734414e5b6875828f9ca9b6c3d0dd");
  assert.equal(prepared.notBeforeMs, Date.UTC(2011, 11, 31, 23));
  // Capped by the issuer's own end.
  assert.equal(prepared.notAfterMs, Date.UTC(2012, 11, 22, 7, 41, 51));
  assert.equal(prepared.tbsHash, "512afd5e1d6e91e3c6c424c0aafb23825b48db5da847439a692afe0d376cc9df");
});

test("a key identifier is the leftmost 160 bits of the SHA-256 of the point (RFC 7093 §2)", () => {
  const point = RFC6979_SPKI.subarray(26);
  assert.equal(Buffer.from(keyIdentifier(RFC6979_SPKI)).toString("hex"), hash("sha256", point, "hex").slice(0, 40));
});

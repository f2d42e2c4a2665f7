import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import * as weak from "../../test/weak-rsa-moduli.ts";
import { encodeOid, OID } from "../der/oid.ts";
import { TAG } from "../der/tags.ts";
import { bitString, der, derNull, sequence, unsignedInteger } from "../der/writer.ts";
import { PkiError, type PkiErrorCode } from "../pki-error.ts";
import { checkPublicKey } from "./check-public-key.ts";

const P = (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n;

function bytes(value: bigint, length: number): Uint8Array {
  return Buffer.from(value.toString(16).padStart(length * 2, "0"), "hex");
}

function rsaSpki(modulus: Uint8Array, exponent: Uint8Array = Uint8Array.of(1, 0, 1), parameters = derNull): Uint8Array {
  const key = sequence(unsignedInteger(modulus), unsignedInteger(exponent));
  return sequence(sequence(encodeOid(OID.rsaEncryption), parameters), bitString(key));
}

function ecSpki(curve: Uint8Array, point: Uint8Array): Uint8Array {
  return sequence(sequence(encodeOid(OID.ecPublicKey), curve), bitString(point));
}

/** A product of two odd numbers without small factors, so that only the rule under test can object. */
function roughNumber(octets: number): bigint {
  const random = BigInt(`0x${randomBytes(octets).toString("hex")}`);
  let candidate = random | (3n << BigInt(octets * 8 - 2)) | 1n;
  const primes = Array.from({ length: 751 }, (_, i) => i + 2).filter((n) => {
    for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
    return true;
  });
  while (primes.some((prime) => candidate % BigInt(prime) === 0n)) candidate += 2n;
  return candidate;
}

const P256 = encodeOid(OID.prime256v1);
const good = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "der", type: "spki" });
const x = good.subarray(27, 59);
const y = good.subarray(59);
const point = (...parts: readonly Uint8Array[]) => Buffer.concat([Uint8Array.of(4), ...parts]);

test("the accepted kinds are recognized, fingerprinted and imported", () => {
  const kinds = {
    "ec-p256": generateKeyPairSync("ec", { namedCurve: "P-256" }),
    "ec-p384": generateKeyPairSync("ec", { namedCurve: "P-384" }),
    "ec-p521": generateKeyPairSync("ec", { namedCurve: "P-521" }),
    "rsa-2048": generateKeyPairSync("rsa", { modulusLength: 2048 }),
  };
  for (const [algorithm, { publicKey }] of Object.entries(kinds)) {
    const spki = publicKey.export({ format: "der", type: "spki" });
    const info = checkPublicKey(spki);
    assert.equal(info.algorithm, algorithm);
    assert.equal(info.fingerprint, createHash("sha256").update(spki).digest("hex"));
    assert.equal(info.keyObject.equals(publicKey), true);
  }
});

test("RSA of 3072 and 4096 bits pass the same policy", () => {
  for (const bits of [3072, 4096]) {
    const modulus = bytes(roughNumber(bits / 16) * roughNumber(bits / 16), bits / 8);
    assert.equal(checkPublicKey(rsaSpki(modulus)).algorithm, `rsa-${bits}`);
  }
});

test("primes as close as FIPS allows are no finding", () => {
  assert.equal(checkPublicKey(rsaSpki(weak.barelyFips)).algorithm, "rsa-2048");
});

const rough = roughNumber(128);
const P384 = encodeOid(OID.secp384r1);
const refusals: readonly (readonly [name: string, spki: Uint8Array, code: PkiErrorCode, message: RegExp])[] = [
  ["a point off its curve", ecSpki(P256, point(x, Buffer.from(y).fill(1, 31))), "key_weak", /not a point/],
  ["the point (0, 0)", ecSpki(P256, point(new Uint8Array(64))), "key_weak", /not a point/],
  ["a coordinate beyond the field", ecSpki(P256, point(bytes(P + 5n, 32), y)), "key_weak", /not a point/],
  ["the point at infinity", ecSpki(P256, Uint8Array.of(0)), "key_weak", /infinity/],
  ["a compressed point", ecSpki(P256, Buffer.concat([Uint8Array.of(2), x])), "key_algorithm_refused", /uncompressed/],
  ["a hybrid point", ecSpki(P256, Buffer.concat([Uint8Array.of(6), x, y])), "key_algorithm_refused", /uncompressed/],
  ["a short point", ecSpki(P256, point(x)), "csr_malformed", /33 octets/],
  ["a P-256 point called P-384", ecSpki(P384, point(x, y)), "csr_malformed", /takes 97/],
  ["secp256k1", ecSpki(encodeOid("1.3.132.0.10"), point(x, y)), "key_algorithm_refused", /1\.3\.132\.0\.10/],
  ["secp112r1", ecSpki(encodeOid("1.3.132.0.6"), point(x.subarray(0, 28))), "key_algorithm_refused", /1\.3\.132\.0\.6/],
  [
    "explicit curve parameters",
    ecSpki(sequence(der(TAG.integer, Uint8Array.of(1))), point(x, y)),
    "key_algorithm_refused",
    /explicit/,
  ],
  ["no curve at all", sequence(sequence(encodeOid(OID.ecPublicKey)), bitString(point(x, y))), "csr_malformed", /curve/],
  ["Ed25519", sequence(sequence(encodeOid("1.3.101.112")), bitString(x)), "key_algorithm_refused", /Ed25519/],
  ["DSA", sequence(sequence(encodeOid("1.2.840.10040.4.1")), bitString(x)), "key_algorithm_refused", /10040/],
  ["RSA 512", rsaSpki(bytes(roughNumber(64), 64)), "key_weak", /512 bits/],
  ["RSA 1024", rsaSpki(bytes(rough, 128)), "key_weak", /1024 bits/],
  ["RSA 2047", rsaSpki(bytes((rough * rough) >> 1n, 256)), "key_weak", /2047 bits/],
  ["RSA 2056", rsaSpki(bytes(rough << 1032n, 257)), "key_algorithm_refused", /2056 bits/],
  ["RSA 32768", rsaSpki(Buffer.alloc(4096, 0xff)), "key_algorithm_refused", /32768 bits/],
  ["an RSA modulus of zero", rsaSpki(Uint8Array.of(0)), "key_weak", /0 bits/],
  ["the exponent 3", rsaSpki(weak.barelyFips, Uint8Array.of(3)), "key_weak", /65537/],
  ["the exponent 1", rsaSpki(weak.barelyFips, Uint8Array.of(1)), "key_weak", /65537/],
  ["a huge exponent", rsaSpki(weak.barelyFips, Buffer.alloc(2048, 0x7f)), "key_weak", /65537/],
  ["RSA without NULL", rsaSpki(weak.barelyFips, undefined, new Uint8Array(0)), "csr_malformed", /NULL/],
  [
    "RSA with a filled NULL",
    rsaSpki(weak.barelyFips, undefined, der(TAG.null, Uint8Array.of(0))),
    "csr_malformed",
    /NULL/,
  ],
  ["an even modulus", rsaSpki(bytes(rough * rough + 1n, 256)), "key_weak", /divisible by 2/],
  ["a ROCA modulus", rsaSpki(weak.roca), "key_weak", /ROCA/],
  ["a printer's close primes", rsaSpki(weak.canonPrinter), "key_weak", /too close/],
  ["another printer's, 4096 bits", rsaSpki(weak.innsbruckPrinter), "key_weak", /too close/],
  ["a square", rsaSpki(bytes(rough * rough, 256)), "key_weak", /too close/],
  ["bytes after the key", Buffer.concat([good, Uint8Array.of(0)]), "csr_malformed", /after/],
  ["an element inside after the key", sequence(good.subarray(2), derNull), "csr_malformed", /after/],
  ["nothing", new Uint8Array(0), "csr_malformed", /lacks/],
  ["a megabyte", Buffer.alloc(1 << 20, 0x30), "csr_malformed", /at most/],
];

for (const [name, spki, code, message] of refusals) {
  test(`a public key is refused with its reason: ${name}`, () => {
    assert.throws(() => checkPublicKey(spki), { name: "PkiError", code, message });
  });
}

test("every prime below 752 is found as a factor", () => {
  for (const prime of [3n, 5n, 167n, 751n]) {
    // A number just under 2^2048 that this prime divides and 2 does not.
    const quotient = ((1n << 2048n) - 1n) / prime;
    const modulus = (quotient - (quotient % 2n === 0n ? 1n : 0n)) * prime;
    assert.throws(
      () => checkPublicKey(rsaSpki(bytes(modulus, 256))),
      { code: "key_weak", message: /divisible by/ },
      `${prime}`,
    );
  }
});

test("a blocked key is refused by its fingerprint", () => {
  const { fingerprint } = checkPublicKey(good);
  const isBlocked = (candidate: string) => candidate === fingerprint;
  assert.throws(() => checkPublicKey(good, { isBlocked }), { code: "key_weak", message: /blocked/ });
});

test("no single bit of an EC key's framing can change", () => {
  for (let at = 0; at < 27; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bad = Uint8Array.from(good);
      bad[at]! ^= 1 << bit;
      assert.throws(() => checkPublicKey(bad), PkiError, `byte ${at}, bit ${bit}`);
    }
  }
});

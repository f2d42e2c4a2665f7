import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exampleCa } from "../../test/example-ca.ts";
import { parseCertificate } from "../certificate/parse-certificate.ts";
import { parseCsr } from "../csr/parse-csr.ts";
import { lintCertificate } from "../lint/lint-certificate.ts";
import { PkiError } from "../pki-error.ts";
import { encodeOid, readOid } from "./oid.ts";
import { checkWellFormed, type DerContext, DerReader, openDer, readInteger, readSmallInteger } from "./reader.ts";
import { TAG } from "./tags.ts";
import { encodeTime, NO_EXPIRY_MS, readTime } from "./time.ts";
import { bitString, der, derNull, namedBits, sequence, textString, unsignedInteger } from "./writer.ts";

const ca = await exampleCa();
const context: DerContext = { code: "der_malformed", what: "The bytes" };
const reader = (...bytes: readonly number[]) => new DerReader(Uint8Array.from(bytes), context);
const over = (bytes: Uint8Array) => new DerReader(bytes, context);

/** Elements nested at random, as their bytes. */
const element: fc.Arbitrary<Uint8Array> = fc.letrec((tie) => ({
  leaf: fc.tuple(fc.constantFrom(...[1, 2, 3, 4, 5, 6, 12, 19, 23]), fc.uint8Array({ maxLength: 300 })),
  node: fc.tuple(
    fc.constantFrom(0x30, 0x31, 0xa0, 0xa3),
    fc.array(tie("element") as fc.Arbitrary<Uint8Array>, { maxLength: 4 }),
  ),
  element: fc.oneof(
    { depthSize: "small" },
    (tie("leaf") as fc.Arbitrary<[number, Uint8Array]>).map(([tag, content]) => der(tag, content)),
    (tie("node") as fc.Arbitrary<[number, Uint8Array[]]>).map(([tag, parts]) => der(tag, ...parts)),
  ),
})).element as fc.Arbitrary<Uint8Array>;

/** Runs it; true where it returned or refused properly. Any other exception flies. */
function refusesProperly(run: () => unknown): boolean {
  try {
    run();
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
  }
  return true;
}

test("what the writer writes, the reader reads to the last byte", () => {
  fc.assert(
    fc.property(element, (bytes) => {
      const outer = over(bytes);
      checkWellFormed(outer);
      outer.finish("the element");
    }),
  );
});

test("a cut element is always refused", () => {
  fc.assert(
    fc.property(element, fc.nat(), (bytes, at) => {
      const cut = over(bytes.subarray(0, at % bytes.length));
      if (cut.more) assert.throws(() => checkWellFormed(cut), PkiError);
    }),
  );
});

test("random bytes give nothing but a PkiError, in every parser and in bounded time", () => {
  const input = fc.oneof(fc.uint8Array({ maxLength: 2000 }), element);
  const before = performance.now();
  fc.assert(
    fc.property(input, (bytes) => {
      for (const parse of [parseCsr, parseCertificate, lintCertificate]) {
        if (!refusesProperly(() => parse(bytes))) return false;
      }
      return refusesProperly(() => parseCsr(Buffer.from(bytes).toString("latin1")));
    }),
    { numRuns: 1000 },
  );
  assert.equal(performance.now() - before < 20_000, true);
});

test("a real certificate with random changes gives nothing but a PkiError or another certificate", () => {
  const good = ca.certificate.der;
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const bad = Uint8Array.from(good);
      for (const [at, octet] of changes) bad[at] = octet;
      return refusesProperly(() => parseCertificate(bad)) && refusesProperly(() => lintCertificate(bad));
    }),
    { numRuns: 2000 },
  );
});

test("nesting beyond the limit ends at once, however deep it is", () => {
  let deep = derNull;
  for (let i = 0; i < 5000; i++) deep = sequence(deep);
  assert.throws(() => checkWellFormed(over(deep)), { code: "der_malformed", message: /deep/ });
});

test("lengths must be definite and minimal, tags low and inside their container", () => {
  const wrong: readonly (readonly number[])[] = [
    [0x30],
    [0x30, 0x80, 0, 0],
    [0x04, 0x81, 0x7f, ...new Array<number>(127).fill(0)],
    [0x04, 0x82, 0x00, 0x80, ...new Array<number>(128).fill(0)],
    [0x04, 0x83, 0x00, 0xff, 0xff],
    [0x04, 0x85, 1, 0, 0, 0, 0],
    [0x04, 0x82, 0x01],
    [0x04, 0x02, 0x00],
    [0x1f, 0x20, 0x00],
    [0x00, 0x00],
  ];
  for (const bytes of wrong) assert.throws(() => reader(...bytes).next(), { code: "der_malformed" }, bytes.join());
});

test("an opened structure is one element of bounded size and nothing else", () => {
  assert.equal(openDer(sequence(derNull), TAG.sequence, context, 100).peek(), TAG.null);
  assert.throws(() => openDer(sequence(), TAG.set, context, 100), { message: /outer structure/ });
  assert.throws(() => openDer(Uint8Array.of(0x30, 0, 0), TAG.sequence, context, 100), { message: /after/ });
  assert.throws(() => openDer(new Uint8Array(101), TAG.sequence, context, 100), { message: /at most 100/ });
});

test("integers are minimal and come back as they went in", () => {
  for (const bytes of [
    [2, 0],
    [2, 2, 0, 0x7f],
    [2, 2, 0xff, 0x80],
  ]) {
    assert.throws(() => readInteger(reader(...bytes), "it"), { code: "der_malformed" }, bytes.join());
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (magnitude) => {
      const content = readInteger(over(unsignedInteger(magnitude)), "it");
      assert.equal(
        BigInt(`0x${Buffer.from(content).toString("hex")}`),
        BigInt(`0x${Buffer.from(magnitude).toString("hex")}`),
      );
    }),
  );
  assert.equal(readSmallInteger(reader(2, 1, 127), "it"), 127);
  assert.throws(() => readSmallInteger(reader(2, 1, 0x80), "it"), PkiError);
  assert.throws(() => readSmallInteger(reader(2, 2, 1, 0), "it"), PkiError);
});

test("object identifiers come back as they went in, large arcs included", () => {
  for (const oid of ["0.9.2342.19200300.100.1.25", "1.2.840.113549.1.1.11", "2.5.29.37.0", "2.100.3", "2.5.4.3"]) {
    assert.equal(readOid(over(encodeOid(oid)), "it"), oid);
  }
  // X.667 §6: the UUID f81d4fae-7dec-11d0-a765-00a0c91e6bf6 as an arc of 128 bits.
  const arc = 0xf81d4fae_7dec_11d0_a765_00a0c91e6bf6n;
  const octets = [
    105,
    ...Array.from({ length: 19 }, (_, i) => Number((arc >> BigInt(7 * (18 - i))) & 127n) | (i < 18 ? 128 : 0)),
  ];
  assert.equal(readOid(reader(6, octets.length, ...octets), "it"), "2.25.329800735698586629295641978511506172918");
  const wrong = [
    [6, 0],
    [6, 1, 0x80],
    [6, 2, 0x2a, 0x81],
    [6, 3, 0x2a, 0x80, 1],
    [6, 65, ...new Array<number>(65).fill(1)],
  ];
  for (const bytes of wrong) assert.throws(() => readOid(reader(...bytes), "it"), PkiError, bytes.join());
});

test("times turn from UTCTime to GeneralizedTime with 2050 (RFC 5280 §4.1.2.5)", () => {
  const text = (ms: number) => Buffer.from(encodeTime(ms)).toString("latin1");
  assert.equal(text(Date.UTC(2049, 11, 31, 23, 59, 59, 999)), "\u0017\u000d491231235959Z");
  assert.equal(text(Date.UTC(2050, 0, 1)), "\u0018\u000f20500101000000Z");
  assert.equal(text(NO_EXPIRY_MS), "\u0018\u000f99991231235959Z");
  assert.equal(text(Date.UTC(1950, 0, 1)), "\u0017\u000d500101000000Z");
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, Date.UTC(1949, 11, 31), NO_EXPIRY_MS + 1000]) {
    assert.throws(() => encodeTime(ms), { code: "request_invalid" }, `${ms}`);
  }
});

test("every second from 1950 to 9999 comes back as it went in", () => {
  const seconds = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: NO_EXPIRY_MS / 1000 });
  fc.assert(fc.property(seconds, (second) => readTime(over(encodeTime(second * 1000)), "it").ms === second * 1000));
});

test("times that are no calendar times, or not in Zulu form, are refused", () => {
  const wrong = [
    ["260230000000Z", "260431000000Z", "270229000000Z", "260001000000Z", "261301000000Z", "260100000000Z"],
    ["260101240000Z", "260101006000Z", "260101000060Z", "2601010000Z", "260101000000+0000", "26010100000 Z"],
    ["260101000000z", "-60101000000Z", "260101000000.5Z", ""],
  ].flat();
  for (const text of wrong) assert.throws(() => readTime(over(textString(TAG.utcTime, text)), "it"), PkiError, text);
  for (const text of ["20260101000000.0Z", "20260101000000", "00000101000000Z", "19000229000000Z", "260101000000Z"]) {
    assert.throws(() => readTime(over(textString(TAG.generalizedTime, text)), "it"), PkiError, text);
  }
  assert.equal(readTime(over(textString(TAG.utcTime, "240229000000Z")), "it").ms, Date.UTC(2024, 1, 29));
});

test("bit strings are written whole or as minimal named bits", () => {
  assert.deepEqual([...bitString(Uint8Array.of(5))], [3, 2, 0, 5]);
  assert.deepEqual([...namedBits([0])], [3, 2, 7, 0x80]);
  assert.deepEqual([...namedBits([5, 6])], [3, 2, 1, 0x06]);
  assert.deepEqual([...namedBits([0, 8])], [3, 3, 7, 0x80, 0x80]);
});

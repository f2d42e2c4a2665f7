import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCa } from "../../test/test-ca.ts";
import { expiryOf, renewalDueAt } from "./lifetime.ts";

const HOUR_MS = 3_600_000;
const ca = await TestCa.create();
const nowMs = Math.floor(Date.now() / 1000) * 1000;

function device(validForSeconds: number): string {
  return ca.leaf({ profile: "device", commonName: "d", nowMs, validForSeconds }).certificatePem;
}

test("renewal is due at two thirds from the issuing to the end, however far notBefore is dated back", () => {
  const certificatePem = device(3 * 3600);
  assert.equal(expiryOf(certificatePem), nowMs + 3 * HOUR_MS);
  assert.equal(renewalDueAt({ certificatePem, issuedAtMs: nowMs }), nowMs + 2 * HOUR_MS);
  const short = device(1800);
  assert.equal(renewalDueAt({ certificatePem: short, issuedAtMs: nowMs }), nowMs + 20 * 60_000);
});

test("an issuing time outside the certificate's validity, from a wrong clock, is brought within it", () => {
  const certificatePem = device(2 * 3600);
  assert.equal(renewalDueAt({ certificatePem, issuedAtMs: 0 }), nowMs + HOUR_MS);
  assert.equal(renewalDueAt({ certificatePem, issuedAtMs: nowMs * 2 }), nowMs + 2 * HOUR_MS);
});

import { z } from "zod";
import {
  certificateId,
  certificateSummary,
  claimId,
  done,
  list,
  page,
  pageQuery,
  reasonCode,
  serialNumber,
  templateName,
  thingName,
  time,
  why,
} from "./common.ts";
import { operation } from "./operation.ts";
import { thing } from "./things.ts";

/** The most serial numbers that one request may bring; more follow with `expectDevices`. */
export const SERIALS_PER_REQUEST = 50_000;

const LONGEST_VALIDITY_SECONDS = 10 * 365 * 24 * 3600;

const cidr = z
  .union([z.cidrv4(), z.cidrv6()], "must be a network such as 192.0.2.0/24 or 2001:db8::/32")
  .meta({ description: "A network in CIDR form." });

const keyAlgorithm = z.enum(["EC_P256", "RSA_2048"]);

/** Who holds the claim's private key, and how it gets there. */
const claimKey = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("csr"),
      csrPem: z
        .string()
        .min(1)
        .max(4096)
        .meta({ description: "PKCS#10, PEM, at most 4,096 characters. The server sees no key." }),
    }),
    z.strictObject({
      kind: z.literal("recipient"),
      recipient: z
        .string()
        .regex(/^age1[0-9a-z]{58,4096}$/, "must be an age recipient, age1…")
        .meta({ description: "age recipient; the answer carries the key encrypted to it." }),
    }),
    z
      .strictObject({ kind: z.literal("plain") })
      .meta({ description: "The answer carries the key in the clear, this once." }),
  ])
  .meta({
    id: "ClaimKey",
    description: "Who makes the claim's key: the caller (csr), or the server, sealed or plain. It is never stored.",
  });

const guard = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("serials"),
      serials: z.array(serialNumber).min(1).max(SERIALS_PER_REQUEST),
    }),
    z
      .strictObject({ kind: z.literal("hook") })
      .meta({ description: "The template's hook decides; every template of the claim must have one." }),
    z
      .strictObject({ kind: z.literal("any-device") })
      .meta({ description: "Nothing stands between this claim and any name. Say so only on purpose." }),
  ])
  .meta({ id: "ClaimGuard", description: "What stands between whoever holds the claim and any thing name." });

export const claim = z
  .object({
    claimId,
    kind: z.enum(["shared", "temporary"]),
    status: z.enum(["active", "suspended", "disabled"]),
    statusReason: z.string().nullable().meta({ description: "Why it is suspended or disabled." }),
    quarantined: z.boolean(),
    templates: z.array(templateName),
    batch: z.string().nullable(),
    supplier: z.string().nullable(),
    maxDevices: z.int(),
    redeemed: z.int().meta({ description: "Enrollments that count against maxDevices." }),
    pending: z.int().meta({ description: "Certificates that wait to be redeemed." }),
    notBefore: time,
    notAfter: time,
    networks: z.array(z.string()).meta({ description: "Empty: every network." }),
    guard: z.enum(["serials", "hook", "any-device"]),
    maxPerMinute: z.int(),
    suspendAfterRefusals: z.int().meta({ description: "Refusals within ten minutes that suspend the claim." }),
    keyAlgorithm,
    createdAt: time,
    certificates: z.array(certificateSummary.extend({ issuedAt: time })),
  })
  .meta({
    id: "Claim",
    description: "A claim with its passport: what it may be used for, how often, from when to when, from where.",
  });

export const issuedClaim = z
  .object({
    claim,
    certificateId,
    certificatePem: z.string(),
    privateKeyPem: z.string().nullable().meta({ description: "Only for key kind `plain`. Sent once, never stored." }),
    sealedPrivateKey: z
      .string()
      .nullable()
      .meta({ description: "Only for key kind `recipient`: an armored age file." }),
    caPem: z.string().meta({ description: "What devices trust the server by." }),
  })
  .meta({
    id: "IssuedClaim",
    description: "A claim's new certificate and, this once, its key where the server made it.",
  });

export const claimFinding = z
  .object({
    severity: z.enum(["ok", "notice", "warning", "alarm"]),
    finding: z.string(),
    advice: z.string().meta({ description: "What to do; empty where nothing is to do." }),
  })
  .meta({ id: "ClaimFinding", description: "One result of a claim's audit." });

export const claimAudit = z
  .object({
    claim,
    ageDays: z.number(),
    daysLeft: z.number().meta({ description: "Negative once it has expired." }),
    quotaUsed: z.number().meta({ description: "0 to 1." }),
    redeemedLastHour: z.int(),
    redeemedLastDay: z.int(),
    refusals: z.array(z.object({ reason: reasonCode, count: z.int(), lastAt: time })),
    networks: z
      .array(z.object({ network: z.string(), firstAt: time, lastAt: time, count: z.int() }))
      .meta({ description: "Where it was used from: IPv4 /24, IPv6 /48." }),
    newNetworks: z.array(z.string()).meta({ description: "Those that appeared a day or more after its first use." }),
    unknownSerials: z.array(z.string()).meta({ description: "Tried, but on no list." }),
    duplicateSerials: z.array(z.string()).meta({ description: "Tried again after they were provisioned." }),
    expected: z.int().meta({ description: "Serial numbers on the list." }),
    expectedProvisioned: z.int(),
    byCertificate: z
      .array(z.object({ certificateId, redeemed: z.int(), lastAt: time.nullable() }))
      .meta({ description: "Who still uses the old certificate after a rotation." }),
    findings: z.array(claimFinding),
  })
  .meta({ id: "ClaimAudit", description: "How a claim is used, what is strange about it, and what to do." });

export const expectedDevice = z
  .object({ serialNumber, state: z.enum(["expected", "provisioned"]), thingName: thingName.nullable() })
  .meta({ id: "ExpectedDevice", description: "A serial number that the claim may provision." });

const byId = z.strictObject({ claimId });

export const claimOperations = {
  createClaim: operation({
    method: "POST",
    path: "/v1/claims",
    summary: "Create a shared claim",
    description:
      "Makes the claim, its passport and its first certificate in one transaction. A claim needs a guard; quota and validity always have an end. A key that the server makes leaves it in this answer and is stored nowhere.",
    body: z.strictObject({
      templates: z.array(templateName).min(1).max(10).meta({ description: "The templates it may redeem with." }),
      guard,
      key: claimKey,
      batch: z.string().min(1).max(128).optional(),
      supplier: z.string().min(1).max(128).optional(),
      maxDevices: z.int().min(1).max(10_000_000).default(1000).meta({ description: "Devices it may provision." }),
      notBefore: time.optional().meta({ description: "Valid from; now unless told." }),
      validForSeconds: z
        .int()
        .min(60)
        .max(LONGEST_VALIDITY_SECONDS)
        .default(90 * 24 * 3600)
        .meta({ description: "Validity from notBefore on, in seconds: a minute to ten years, 90 days unless told." }),
      networks: z.array(cidr).max(64).default([]).meta({ description: "Networks it works from; empty for all." }),
      maxPerMinute: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(600)
        .meta({ description: "Enrollments a minute beyond which it refuses." }),
      suspendAfterRefusals: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(100)
        .meta({ description: "Refusals within ten minutes that suspend the claim." }),
      keyAlgorithm: keyAlgorithm
        .default("EC_P256")
        .meta({ description: "What CreateKeysAndCertificate makes unless the device asks otherwise." }),
    }),
    response: issuedClaim,
    status: 201,
    errors: [
      "claim_unguarded",
      "template_unknown",
      "csr_malformed",
      "csr_signature_invalid",
      "key_algorithm_refused",
      "key_weak",
      "key_revoked",
      "key_in_use",
    ],
  }),
  listClaims: operation({
    method: "GET",
    path: "/v1/claims",
    summary: "List claims",
    description: "All of them, newest first.",
    response: list(claim),
    errors: [],
  }),
  getClaim: operation({
    method: "GET",
    path: "/v1/claims/{claimId}",
    summary: "Show a claim",
    description: "Its passport, its state and its certificates.",
    params: byId,
    response: claim,
    errors: ["not_found"],
  }),
  listClaimDevices: operation({
    method: "GET",
    path: "/v1/claims/{claimId}/devices",
    summary: "List all things that were born from a claim",
    description: "The blast radius of a leaked claim: every thing that it provisioned, retired ones included.",
    params: byId,
    query: pageQuery,
    response: page(thing),
    errors: ["not_found"],
  }),
  listExpectedDevices: operation({
    method: "GET",
    path: "/v1/claims/{claimId}/expected-devices",
    summary: "List the serial numbers a claim expects",
    description: "Each with its state and, once provisioned, its thing. Empty where the guard is not `serials`.",
    params: byId,
    query: pageQuery,
    response: page(expectedDevice),
    errors: ["not_found"],
  }),
  expectDevices: operation({
    method: "POST",
    path: "/v1/claims/{claimId}/expected-devices",
    summary: "Add serial numbers to those a claim expects",
    description:
      "At most 50,000 a request; those on the list already are left as they are. Refused where the guard is not `serials`.",
    params: byId,
    body: z.strictObject({ serials: z.array(serialNumber).min(1).max(SERIALS_PER_REQUEST) }),
    response: done,
    errors: ["not_found", "conflict", "limit_reached"],
  }),
  auditClaim: operation({
    method: "GET",
    path: "/v1/claims/{claimId}/audit",
    summary: "Audit a claim",
    description:
      "Age, use against quota, rate, refusals, new networks, unknown and duplicate serials; each finding with its advice.",
    params: byId,
    response: claimAudit,
    errors: ["not_found"],
  }),
  disableClaim: operation({
    method: "POST",
    path: "/v1/claims/{claimId}/disable",
    summary: "End a claim for good",
    description:
      "Its live connections end within a second, its pending certificates cannot be redeemed. Devices it provisioned are untouched.",
    params: byId,
    body: z.strictObject({ reason: why.optional() }),
    response: done,
    errors: ["not_found", "conflict"],
  }),
  suspendClaim: operation({
    method: "POST",
    path: "/v1/claims/{claimId}/suspend",
    summary: "Stop a claim until it is resumed",
    description: "As disable, but `resumeClaim` undoes it.",
    params: byId,
    body: z.strictObject({ reason: why.optional() }),
    response: done,
    errors: ["not_found", "conflict"],
  }),
  resumeClaim: operation({
    method: "POST",
    path: "/v1/claims/{claimId}/resume",
    summary: "Let a suspended claim provision again",
    description: "Refused for a disabled claim: that is final.",
    params: byId,
    response: done,
    errors: ["not_found", "conflict"],
  }),
  quarantineClaim: operation({
    method: "PUT",
    path: "/v1/claims/{claimId}/quarantine",
    summary: "Put a claim and all devices born from it under the restricted policy, or lift that",
    description: "Holds at once, on live connections too. `quarantined: false` undoes it.",
    params: byId,
    body: z.strictObject({ quarantined: z.boolean() }),
    response: done,
    errors: ["not_found", "conflict"],
  }),
  rotateClaim: operation({
    method: "POST",
    path: "/v1/claims/{claimId}/rotate",
    summary: "Give a claim a new certificate beside the old one",
    description:
      "Both work until the old one is revoked; `auditClaim` counts who still uses it. The passport, quota and end stay as they are.",
    params: byId,
    body: z.strictObject({ key: claimKey }),
    response: issuedClaim,
    status: 201,
    errors: [
      "not_found",
      "conflict",
      "csr_malformed",
      "csr_signature_invalid",
      "key_algorithm_refused",
      "key_weak",
      "key_in_use",
    ],
  }),
};

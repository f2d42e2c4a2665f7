// What operators do with claims: make, rotate, suspend, resume, quarantine, disable.
import { type KeyInfo, pemEncode } from "@fleetmint/pki";
import {
  claimCreated,
  claimDisabled,
  claimQuarantined,
  claimResumed,
  claimRotated,
  claimSuspended,
} from "../audit/events.ts";
import type { CertificateAuthority } from "../ca/authority.ts";
import type { IssuedCertificate } from "../ca/ports.ts";
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import { newId, type Random } from "../kit/random.ts";
import type { CertificateId, ClaimId, TemplateName } from "../vocabulary/ids.ts";
import { describePrincipal, type Principal } from "../vocabulary/principal.ts";
import { assessClaim, type ClaimAudit } from "./claim-audit.ts";
import type { ClaimGuard } from "./claim-guard.ts";
import { parseNetworks } from "./networks.ts";
import type { ClaimRecord, ClaimStore, KeyAlgorithm, Passport, TemplateStore } from "./ports.ts";

export interface ClaimsPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly ca: CertificateAuthority;
  readonly claims: ClaimStore;
  readonly templates: TemplateStore;
  readonly guard: ClaimGuard;
}

export interface CreateClaim {
  readonly templates: readonly TemplateName[];
  readonly batch?: string | undefined;
  readonly supplier?: string | undefined;
  readonly maxDevices: number;
  readonly notBeforeMs?: number | undefined;
  readonly validForMs: number;
  readonly networks: readonly string[];
  readonly guard:
    | { readonly kind: "serials"; readonly serials: readonly string[] }
    | { readonly kind: "hook" }
    | { readonly kind: "any-device" };
  readonly maxPerMinute: number;
  readonly suspendAfterRefusals: number;
  readonly keyAlgorithm: KeyAlgorithm;
  /** The factory's own key; without it the server makes one and hands it out once. */
  readonly csrPem?: string | undefined;
}

export interface CreatedClaim {
  readonly claim: ClaimRecord;
  readonly certificateId: CertificateId;
  readonly certificatePem: string;
  /** Only where the key was made here. */
  readonly privateKeyPem: string | undefined;
  readonly caPem: string;
}

export interface Claims {
  create(request: CreateClaim, actor: Principal): Promise<CreatedClaim>;
  /** A second certificate for the same claim; the old one stays until it is revoked. */
  rotate(
    request: { readonly claimId: ClaimId; readonly csrPem?: string | undefined },
    actor: Principal,
  ): Promise<CreatedClaim>;
  audit(claimId: ClaimId): Promise<ClaimAudit>;
  disable(claimId: ClaimId, reason: string, actor: Principal): Promise<void>;
  suspend(claimId: ClaimId, reason: string, actor: Principal): Promise<void>;
  resume(claimId: ClaimId, actor: Principal): Promise<void>;
  quarantine(claimId: ClaimId, quarantined: boolean, actor: Principal): Promise<void>;
}

export function createClaims(ports: ClaimsPorts): Claims {
  const { clock, claims } = ports;
  const event = (claimId: ClaimId, actor: Principal, detail: Record<string, unknown> = {}) => ({
    actor: describePrincipal(actor),
    claimId,
    atMs: clock.now(),
    detail,
  });
  return {
    create: (request, actor) => createClaim(ports, request, actor),
    rotate: (request, actor) => rotateClaim(ports, request, actor),
    async audit(claimId) {
      const claim = await existing(claims, claimId);
      return assessClaim(claim, await claims.claimActivity(claimId, clock.now()), clock.now());
    },
    async disable(claimId, reason, actor) {
      await existing(claims, claimId);
      await claims.setClaimStatus({
        claimId,
        status: "disabled",
        reason,
        audit: claimDisabled(event(claimId, actor, { reason })),
      });
    },
    async suspend(claimId, reason, actor) {
      await existing(claims, claimId);
      await claims.setClaimStatus({
        claimId,
        status: "suspended",
        reason,
        audit: claimSuspended(event(claimId, actor, { reason })),
      });
    },
    async resume(claimId, actor) {
      const claim = await existing(claims, claimId);
      if (claim.status === "disabled")
        throw new Fault("conflict", `The claim ${claimId} is disabled, which is final; create another.`);
      ports.guard.forget(claimId);
      await claims.setClaimStatus({
        claimId,
        status: "active",
        reason: undefined,
        audit: claimResumed(event(claimId, actor)),
      });
    },
    async quarantine(claimId, quarantined, actor) {
      await existing(claims, claimId);
      await claims.setClaimQuarantine({
        claimId,
        quarantined,
        audit: claimQuarantined(event(claimId, actor, { quarantined })),
      });
    },
  };
}

async function createClaim(ports: ClaimsPorts, request: CreateClaim, actor: Principal): Promise<CreatedClaim> {
  const nowMs = ports.clock.now();
  const notBeforeMs = request.notBeforeMs ?? nowMs;
  const passport = await checkedPassport(ports, request, { notBeforeMs, notAfterMs: notBeforeMs + request.validForMs });
  const claimId = newId("claim", nowMs, ports.random) as ClaimId;
  const { key, privateKeyPem } = await claimKey(ports.ca, request.csrPem);
  const certificate = await issueClaimCertificate(ports.ca, key, { claimId, passport, nowMs });
  const expectedSerials = request.guard.kind === "serials" ? request.guard.serials : [];
  await ports.claims.createClaim({
    claimId,
    kind: "shared",
    passport,
    expectedSerials,
    certificate,
    nowMs,
    audit: claimCreated({
      actor: describePrincipal(actor),
      claimId,
      atMs: nowMs,
      detail: { ...passport, expectedDevices: expectedSerials.length, certificateId: certificate.certificateId },
    }),
  });
  return created(ports, claimId, certificate, privateKeyPem);
}

async function rotateClaim(
  ports: ClaimsPorts,
  request: { readonly claimId: ClaimId; readonly csrPem?: string | undefined },
  actor: Principal,
): Promise<CreatedClaim> {
  const claim = await existing(ports.claims, request.claimId);
  if (claim.status === "disabled")
    throw new Fault("conflict", `The claim ${claim.claimId} is disabled; create another.`);
  const nowMs = ports.clock.now();
  const { key, privateKeyPem } = await claimKey(ports.ca, request.csrPem);
  const certificate = await issueClaimCertificate(ports.ca, key, { claimId: claim.claimId, passport: claim, nowMs });
  await ports.claims.addClaimCertificate({
    claimId: claim.claimId,
    certificate,
    audit: claimRotated({
      actor: describePrincipal(actor),
      claimId: claim.claimId,
      atMs: nowMs,
      detail: { certificateId: certificate.certificateId },
    }),
  });
  return created(ports, claim.claimId, certificate, privateKeyPem);
}

async function checkedPassport(
  ports: ClaimsPorts,
  request: CreateClaim,
  validity: { readonly notBeforeMs: number; readonly notAfterMs: number },
): Promise<Passport> {
  parseNetworks(request.networks);
  if (request.templates.length === 0) throw new Fault("request_invalid", "A claim needs at least one template.");
  for (const name of request.templates) {
    const template = await ports.templates.template(name);
    if (template === undefined) throw new Fault("template_unknown", `There is no template "${name}".`);
    if (request.guard.kind === "hook" && template.hook === undefined) {
      throw new Fault(
        "claim_unguarded",
        `The template "${name}" has no hook, and the claim has neither a list of serial numbers nor --allow-any-device.`,
      );
    }
  }
  if (request.guard.kind === "serials" && request.guard.serials.length === 0) {
    throw new Fault("claim_unguarded", "The list of expected serial numbers is empty.");
  }
  const { templates, batch, supplier, maxDevices, networks, maxPerMinute, suspendAfterRefusals, keyAlgorithm } =
    request;
  return {
    templates,
    batch,
    supplier,
    maxDevices,
    networks,
    maxPerMinute,
    suspendAfterRefusals,
    keyAlgorithm,
    guard: request.guard.kind,
    ...validity,
  };
}

async function claimKey(
  ca: CertificateAuthority,
  csrPem: string | undefined,
): Promise<{ key: KeyInfo; privateKeyPem: string | undefined }> {
  return csrPem === undefined ? ca.generateKey("EC_P256") : { key: ca.readCsr(csrPem), privateKeyPem: undefined };
}

function issueClaimCertificate(
  ca: CertificateAuthority,
  key: KeyInfo,
  context: { readonly claimId: ClaimId; readonly passport: Passport; readonly nowMs: number },
): Promise<IssuedCertificate> {
  const { claimId, passport, nowMs } = context;
  return ca.issue({
    profile: "claim",
    key,
    commonName: claimId,
    lifetimeMs: passport.notAfterMs - nowMs,
    // The key of a claim is checked like any other, but the claim itself does not exist yet.
    claimId: undefined,
    clientId: undefined,
  });
}

async function created(
  ports: ClaimsPorts,
  claimId: ClaimId,
  certificate: IssuedCertificate,
  privateKeyPem: string | undefined,
): Promise<CreatedClaim> {
  return {
    claim: await existing(ports.claims, claimId),
    certificateId: certificate.certificateId,
    certificatePem: pemEncode(certificate.der, "CERTIFICATE"),
    privateKeyPem,
    caPem: ports.ca.trustPem,
  };
}

async function existing(claims: ClaimStore, claimId: ClaimId): Promise<ClaimRecord> {
  const claim = await claims.claim(claimId);
  if (claim === undefined) throw new Fault("not_found", `There is no claim ${claimId}.`);
  return claim;
}

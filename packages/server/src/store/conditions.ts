// What must hold before something is written, decided from records alone. Every store repeats these inside its transaction,
// so that what was checked a moment earlier by the engine is still true when it counts.
import type { IssuanceIntent } from "../ca/ports.ts";
import type { RedeemRequest } from "../enrollment/ports.ts";
import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import type { TemplateSettings } from "../templates/plan.ts";
import type { CertificateRow, ClaimRow, KeyUse, RowId, ThingRow, TokenRow } from "./rows.ts";

/** The reason that suspends a claim after a restore, until its count is reconciled. */
export const RESTORED = "installation_restored";
const RESERVED_FOR_MS = LIMITS.ownershipTokenSeconds * 1000;

/** The claim is active, not quarantined, and in its window. */
export function checkClaim(claim: ClaimRow | undefined, nowMs: number): asserts claim is ClaimRow {
  if (claim === undefined) throw new Fault("claim_disabled", "The claim is not known to this installation.");
  if (claim.status === "disabled") throw new Fault("claim_disabled", `The claim ${claim.claimId} was disabled.`);
  if (claim.status === "suspended") throw suspended(claim);
  if (claim.quarantined) throw new Fault("claim_suspended", `The claim ${claim.claimId} is quarantined.`);
  if (nowMs < claim.notBeforeMs) throw new Fault("claim_not_yet_valid");
  if (nowMs >= claim.notAfterMs) throw new Fault("claim_expired", `The validity of claim ${claim.claimId} has ended.`);
}

function suspended(claim: ClaimRow): Fault {
  return claim.statusReason === RESTORED
    ? new Fault("installation_restored")
    : new Fault(
        "claim_suspended",
        `The claim ${claim.claimId} is suspended: ${claim.statusReason ?? "no reason given"}.`,
      );
}

export function checkQuota(claim: ClaimRow): void {
  if (claim.redeemed < claim.maxDevices) return;
  throw new Fault(
    "claim_quota_exceeded",
    `The quota of claim ${claim.claimId}, ${claim.maxDevices} devices, is used up.`,
  );
}

/** Twice the remaining quota: a device may lose an answer and ask again, a stolen claim cannot have certificates made without end. */
export function checkPendingLimit(claim: ClaimRow): void {
  const limit = Math.min(2 * (claim.maxDevices - claim.redeemed), LIMITS.pendingPerClaim);
  if (claim.pending < limit) return;
  throw new Fault(
    "claim_pending_limit",
    `${claim.pending} certificates of claim ${claim.claimId} wait to be redeemed.`,
  );
}

/** Whether this public key may be certified again. Which thing it will be is known at redeeming; see checkKeyOwner. */
export function checkKey(uses: readonly KeyUse[], intent: IssuanceIntent, claim: RowId | undefined): void {
  for (const use of uses) {
    if (use.statusReason === "key_compromise") throw new Fault("key_revoked");
    const allowed = intent.profile === "device" ? deviceMayUse(use, intent, claim) : sameRole(use, intent, claim);
    if (!allowed) throw new Fault("key_in_use");
  }
}

function deviceMayUse(use: KeyUse, intent: IssuanceIntent, claim: RowId | undefined): boolean {
  if (use.profile === "temporary-claim") return use.claim !== undefined && use.claim === claim;
  if (use.profile !== "device") return false;
  const sameClient = use.clientId === intent.clientId;
  // The same device, or one that an operator released, comes back with the key it kept.
  if (use.thing !== undefined) return sameClient || use.thing.released;
  const ended = use.status === "REVOKED" || (use.status === undefined && intent.atMs - use.atMs >= RESERVED_FOR_MS);
  return ended || (sameClient && use.claim === claim);
}

/** A server or CA keeps its key through a renewal, a claim through a rotation; a certificate that never came claims nothing. */
function sameRole(use: KeyUse, intent: IssuanceIntent, claim: RowId | undefined): boolean {
  if (use.profile !== intent.profile) return false;
  const isClaim = intent.profile === "claim" || intent.profile === "temporary-claim";
  return !isClaim || use.status === undefined || (use.claim !== undefined && use.claim === claim);
}

/** The thing that a key was certified for first keeps it; one that was revoked for compromise meanwhile is nobody's. */
export function checkKeyOwner(uses: readonly KeyUse[], thingName: string | undefined): void {
  if (uses.some((use) => use.statusReason === "key_compromise")) throw new Fault("key_revoked");
  const other = uses.find((use) => use.thing !== undefined && use.thing.name !== thingName);
  if (other !== undefined) throw new Fault("key_in_use", "This public key belongs to another thing.");
}

/** The claim's certificate that asked for the token was not taken away meanwhile: its holder may be who stole it. */
export function checkClaimCertificate(certificate: CertificateRow | undefined): void {
  if (certificate?.status === "ACTIVE") return;
  throw new Fault("certificate_revoked", "The claim certificate that asked for this device is not active any more.");
}

/** The token is one of ours, asked for by this claim and client id. */
export function checkTokenOwner(
  token: TokenRow | undefined,
  request: Pick<RedeemRequest, "claimId" | "clientId">,
): asserts token is TokenRow {
  if (token === undefined) throw new Fault("token_unknown");
  if (token.claimId !== request.claimId || token.clientId !== request.clientId) {
    throw new Fault("token_principal_mismatch");
  }
}

/** The token was not spent and did not end. */
export function checkTokenOpen(token: TokenRow, nowMs: number): void {
  if (token.expiresAtMs <= nowMs) throw new Fault("token_expired");
  if (token.status !== "PENDING_ACTIVATION") {
    throw new Fault(
      "token_unknown",
      "The ownership token ended with its certificate, which was revoked before it was redeemed.",
    );
  }
}

export interface ExistingThingDecision {
  /** Certificates that end with this redemption. */
  readonly superseded: readonly CertificateRow[];
  readonly consumesRelease: boolean;
}

/** Reasons for which a certificate ends in the normal course: they do not bar the thing from coming back. */
const ORDINARY_ENDS: ReadonlySet<string> = new Set(["superseded", "token_expired", "restored"]);

/**
 * Whether a thing that exists may get a certificate. An identity in use is replaced only by rule; one that an operator took
 * away (revoked, deactivated) comes back only by release, or revoking would mean nothing to whoever still holds the claim.
 */
export function decideExistingThing(
  thing: ThingRow,
  certificates: readonly CertificateRow[],
  request: Pick<RedeemRequest, "existingThing" | "nowMs">,
): ExistingThingDecision {
  const { existingThing: rule, nowMs } = request;
  if (thing.status === "retired") throw provisioned(thing, "was retired and its name stays taken");
  const valid = certificates.filter((certificate) => certificate.notAfterMs > nowMs);
  const active = valid.filter((certificate) => certificate.status === "ACTIVE");
  if (active.length > 0) return replaceActive(thing, active, rule);
  if (!thing.released && (rule === "refuse" || rule === "replace") && valid.some(takenAway)) {
    throw provisioned(thing, "lost its identity to an operator and was not released");
  }
  return { superseded: [], consumesRelease: thing.released };
}

function replaceActive(
  thing: ThingRow,
  active: readonly CertificateRow[],
  rule: TemplateSettings["existingThing"],
): ExistingThingDecision {
  if (rule === "add") return { superseded: [], consumesRelease: false };
  if (rule === "refuse") {
    throw provisioned(thing, "has an active certificate, and the template's existingThing is `refuse`");
  }
  if (rule === "replace" && !thing.released) throw provisioned(thing, "has an active certificate and was not released");
  return { superseded: active, consumesRelease: thing.released };
}

function takenAway(certificate: CertificateRow): boolean {
  if (certificate.status === "INACTIVE") return true;
  return certificate.status === "REVOKED" && !ORDINARY_ENDS.has(certificate.statusReason ?? "");
}

function provisioned(thing: ThingRow, why: string): Fault {
  return new Fault("thing_already_provisioned", `The thing ${thing.thingName} ${why}.`);
}

import type { RedeemOutcome, RedeemRequest, Redemption } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import { faultPoint } from "../../kit/fault-points.ts";
import type { PolicyName } from "../../vocabulary/ids.ts";
import {
  checkClaim,
  checkClaimCertificate,
  checkKeyOwner,
  checkQuota,
  checkTokenOpen,
  checkTokenOwner,
} from "../conditions.ts";
import type { ClaimRow, Rows, TargetRow, TokenRow } from "../rows.ts";
import { applyThing } from "./apply-thing.ts";
import { saveAttempt } from "./attempts.ts";
import { appendAudit } from "./record.ts";

/** Repeats every condition, applies the plan, spends the token and counts the quota: all of it or nothing. */
export function redeem(rows: Rows, request: RedeemRequest): RedeemOutcome {
  const token = rows.token(request.tokenHash);
  checkTokenOwner(token, request);
  const claim = rows.claim(request.claimId);
  checkClaim(claim, request.nowMs);
  if (token.requestDigest !== undefined) return { kind: "replayed", redemption: replay(token, request.requestDigest) };
  checkTokenOpen(token, request.nowMs);
  checkClaimCertificate(rows.certificateByRow(token.claimCertificate));
  checkQuota(claim);
  if (templateChanged(rows, request)) return { kind: "template_changed" };
  checkExpectedSerial(rows, claim, request);
  checkKeyOwner(rows.keyUses(token.publicKeyFingerprint), request.plan.thing?.name);
  return { kind: "redeemed", redemption: apply(rows, request, { token, claim }) };
}

function replay(token: TokenRow, requestDigest: string): Redemption {
  if (token.requestDigest !== requestDigest) throw new Fault("token_already_used");
  return { requestDigest, thingName: token.thingName, deviceConfiguration: token.deviceConfiguration ?? {} };
}

function templateChanged(rows: Rows, { template: { name, version } }: RedeemRequest): boolean {
  const template = rows.templateRow(name);
  if (template === undefined) throw new Fault("template_unknown", `There is no template ${name}.`);
  if (!template.enabled) throw new Fault("template_disabled", `The template ${name} is disabled.`);
  return template.defaultVersion !== version;
}

/** A listed serial number is one device's: whoever comes second under another name uses somebody's number. */
function checkExpectedSerial(rows: Rows, claim: ClaimRow, request: RedeemRequest): void {
  const { expectedSerial, plan } = request;
  if (expectedSerial === undefined) return;
  const expected = rows.expected(claim.id, expectedSerial);
  if (expected === undefined) {
    throw new Fault(
      "serial_not_expected",
      `The serial number ${expectedSerial} is not on the list of claim ${claim.claimId}.`,
    );
  }
  if (expected.state === "provisioned" && (plan.thing === undefined || expected.thingName !== plan.thing.name)) {
    const as = expected.thingName === undefined ? "" : ` as ${expected.thingName}`;
    throw new Fault("thing_already_provisioned", `The serial number ${expectedSerial} was provisioned already${as}.`);
  }
}

function apply(
  rows: Rows,
  request: RedeemRequest,
  by: { readonly token: TokenRow; readonly claim: ClaimRow },
): Redemption {
  const { plan, requestDigest, nowMs } = request;
  const { token, claim } = by;
  const written: string[] = [];
  const thing = plan.thing === undefined ? undefined : applyThing(rows, plan.thing, request, written);
  rows.spendToken(token.certificate, {
    status: plan.certificateStatus,
    thing,
    requestDigest,
    deviceConfiguration: plan.deviceConfiguration,
  });
  written.push(`certificate ${token.certificateId} ${plan.certificateStatus}`);
  attachPolicies(rows, plan.policies, {
    target: thing === undefined ? { kind: "certificate", row: token.certificate } : { kind: "thing", row: thing },
    nowMs,
    written,
  });
  rows.countClaim(claim.id, { redeemed: 1, pending: -1 });
  rows.countRedemption(claim.id, token.claimCertificate, Math.floor(nowMs / 60_000), nowMs);
  if (request.expectedSerial !== undefined) rows.setProvisioned(claim.id, request.expectedSerial, plan.thing?.name);
  rows.insertChange("certificate", token.certificateId);
  complete(rows, request, token, written);
  faultPoint("redeem-written");
  return { requestDigest, thingName: plan.thing?.name, deviceConfiguration: plan.deviceConfiguration };
}

function attachPolicies(
  rows: Rows,
  policies: RedeemRequest["plan"]["policies"],
  to: { readonly target: TargetRow; readonly nowMs: number; readonly written: string[] },
): void {
  for (const { name, document } of policies) {
    const policy = rows.policyRow(name)?.id ?? createPolicy(rows, name, document, to);
    if (rows.attach(policy, to.target)) to.written.push(`policy ${name} attached`);
  }
}

function createPolicy(
  rows: Rows,
  name: PolicyName,
  document: string | undefined,
  to: { readonly nowMs: number; readonly written: string[] },
): number {
  if (document === undefined)
    throw new Fault("policy_unknown", `The template names the policy ${name}, which does not exist.`);
  const policy = rows.insertPolicy(name);
  rows.insertPolicyVersion(policy, 1, to.nowMs, document);
  to.written.push(`policy ${name} created`);
  return policy;
}

function complete(rows: Rows, request: RedeemRequest, token: TokenRow, written: readonly string[]): void {
  saveAttempt(rows, {
    ...request.attempt,
    outcome: "issued",
    reason: undefined,
    message: undefined,
    thingName: request.plan.thing?.name,
    certificateId: token.certificateId,
    written,
  });
  appendAudit(rows, request.audit);
}

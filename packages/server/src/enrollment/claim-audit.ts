// Reads a claim's record and activity as a security officer would, and says what to do. Pure.
import type { FaultCode } from "../vocabulary/faults.ts";
import type { ClaimActivity, ClaimRecord } from "./ports.ts";

export interface Finding {
  readonly severity: "ok" | "notice" | "warning" | "alarm";
  readonly finding: string;
  readonly advice: string;
}

export interface ClaimAudit {
  readonly claim: ClaimRecord;
  readonly ageDays: number;
  readonly daysLeft: number;
  /** 0 to 1. */
  readonly quotaUsed: number;
  readonly redeemedLastHour: number;
  readonly redeemedLastDay: number;
  readonly refusals: ClaimActivity["refusals"];
  readonly networks: ClaimActivity["networks"];
  /** Those that appeared a day or more after the claim was first used. */
  readonly newNetworks: readonly string[];
  readonly unknownSerials: readonly string[];
  readonly duplicateSerials: readonly string[];
  readonly expected: number;
  readonly expectedProvisioned: number;
  readonly byCertificate: ClaimActivity["byCertificate"];
  readonly findings: readonly Finding[];
}

const DAY_MS = 24 * 3600 * 1000;
/** A claim older than this should have been rotated (NIST SP 800-57: shared credentials live short). */
const OLD_DAYS = 90;
const QUOTA_NEARLY_USED = 0.9;
/** A network first seen this long after the claim's first use counts as new. */
const NEW_NETWORK_AFTER_MS = DAY_MS;

/** Reasons that a normal factory day produces none of. */
const SUSPICIOUS: ReadonlySet<FaultCode> = new Set<FaultCode>([
  "serial_not_expected",
  "thing_already_provisioned",
  "claim_network_refused",
  "claim_template_refused",
  "claim_quota_exceeded",
  "key_in_use",
  "key_revoked",
  "token_principal_mismatch",
  "token_already_used",
  "parameter_invalid",
  "claim_rate_exceeded",
]);

export function assessClaim(claim: ClaimRecord, activity: ClaimActivity, nowMs: number): ClaimAudit {
  const audit = {
    claim,
    ageDays: Math.floor((nowMs - claim.createdAtMs) / DAY_MS),
    daysLeft: Math.floor((claim.notAfterMs - nowMs) / DAY_MS),
    quotaUsed: claim.redeemed / claim.maxDevices,
    redeemedLastHour: activity.redeemedLastHour,
    redeemedLastDay: activity.redeemedLastDay,
    refusals: activity.refusals,
    networks: activity.networks,
    newNetworks: networksThatCameLate(activity),
    unknownSerials: activity.unknownSerials,
    duplicateSerials: activity.duplicateSerials,
    expected: activity.expected,
    expectedProvisioned: activity.expectedProvisioned,
    byCertificate: activity.byCertificate,
  };
  const findings = [...statusFindings(audit), ...ageFindings(audit), ...useFindings(audit), ...misuseFindings(audit)];
  if (findings.length === 0) findings.push({ severity: "ok", finding: "Nothing unusual.", advice: "Nothing to do." });
  return { ...audit, findings };
}

type Facts = Omit<ClaimAudit, "findings">;

function statusFindings({ claim }: Facts): Finding[] {
  if (claim.status === "suspended") {
    return [
      alarm(
        `The claim is suspended: ${claim.statusReason ?? "no reason given"}.`,
        `Find out why; then \`fleetmint claim resume ${claim.claimId}\` or \`claim disable\`.`,
      ),
    ];
  }
  if (claim.quarantined) {
    return [
      warning(
        "The claim and its devices are quarantined.",
        `End it with \`fleetmint claim quarantine --undo ${claim.claimId}\`.`,
      ),
    ];
  }
  if (claim.guard === "any-device" && claim.networks.length === 0) {
    return [
      notice(
        "Anyone who holds the claim's key may register any free name, from anywhere.",
        "Add a list of serial numbers, a hook, or `--from CIDR`.",
      ),
    ];
  }
  return [];
}

function ageFindings({ claim, ageDays, daysLeft }: Facts): Finding[] {
  const rotate = `Rotate it: \`fleetmint claim rotate ${claim.claimId}\`.`;
  if (daysLeft < 0) return [notice("The claim has expired.", "Disable it, or create another.")];
  if (ageDays > OLD_DAYS) return [warning(`The claim is ${ageDays} days old.`, rotate)];
  if (daysLeft < 7) return [notice(`The claim ends in ${daysLeft} days.`, rotate)];
  return [];
}

function useFindings({ claim, quotaUsed, byCertificate }: Facts): Finding[] {
  const findings: Finding[] = [];
  if (quotaUsed >= 1)
    findings.push(
      notice(
        `All ${claim.maxDevices} devices are provisioned.`,
        `Disable it: \`fleetmint claim disable ${claim.claimId}\`.`,
      ),
    );
  else if (quotaUsed >= QUOTA_NEARLY_USED)
    findings.push(
      notice(`${claim.redeemed} of ${claim.maxDevices} devices are provisioned.`, "Create the next claim in time."),
    );
  const active = claim.certificates.filter((certificate) => certificate.status === "ACTIVE");
  if (active.length > 1) {
    const used = usesOfOldCertificates(claim, byCertificate)
      .map((entry) => `${entry.certificateId.slice(0, 12)}… (${entry.redeemed} devices)`)
      .join(", ");
    findings.push(
      notice(
        `${active.length} certificates open this claim; older ones in use: ${used || "none"}.`,
        "Revoke the old one when nobody uses it any more: `fleetmint cert revoke ID`.",
      ),
    );
  }
  return findings;
}

function misuseFindings(facts: Facts): Finding[] {
  const findings: Finding[] = [];
  if (facts.unknownSerials.length > 0) {
    findings.push(
      alarm(
        `${facts.unknownSerials.length} serial numbers were tried that nobody expected: ${some(facts.unknownSerials)}.`,
        "If they are yours, add them to the list; if not, the claim has leaked: quarantine and rotate it.",
      ),
    );
  }
  if (facts.duplicateSerials.length > 0) {
    findings.push(
      alarm(
        `Serial numbers were tried again after they were provisioned: ${some(facts.duplicateSerials)}.`,
        "Release devices that were reset; anything else is a copy of the claim in other hands.",
      ),
    );
  }
  if (facts.newNetworks.length > 0) {
    findings.push(
      warning(
        `The claim is used from new networks: ${some(facts.newNetworks)}.`,
        "Check that the factory moved; bind the next claim with `--from CIDR`.",
      ),
    );
  }
  const suspicious = facts.refusals.filter((refusal) => SUSPICIOUS.has(refusal.reason));
  for (const { reason, count } of suspicious) {
    findings.push(
      warning(
        `${count} refused with ${reason}.`,
        `Look at them: \`fleetmint attempt list --claim ${facts.claim.claimId} --reason ${reason}\`.`,
      ),
    );
  }
  return findings;
}

function networksThatCameLate({ networks }: ClaimActivity): string[] {
  const first = Math.min(...networks.map((network) => network.firstAtMs));
  return networks.filter((entry) => entry.firstAtMs - first > NEW_NETWORK_AFTER_MS).map((entry) => entry.network);
}

/** Uses of certificates that a newer one of the same claim replaces. */
function usesOfOldCertificates(
  claim: ClaimRecord,
  byCertificate: ClaimActivity["byCertificate"],
): ClaimActivity["byCertificate"] {
  const newest = claim.certificates.reduce<number>((latest, { issuedAtMs }) => Math.max(latest, issuedAtMs), 0);
  const old = new Set(
    claim.certificates.filter(({ issuedAtMs }) => issuedAtMs < newest).map(({ certificateId }) => certificateId),
  );
  return byCertificate.filter((entry) => old.has(entry.certificateId) && entry.redeemed > 0);
}

const some = (items: readonly string[]): string =>
  items.slice(0, 5).join(", ") + (items.length > 5 ? `, and ${items.length - 5} more` : "");
const alarm = (finding: string, advice: string): Finding => ({ severity: "alarm", finding, advice });
const warning = (finding: string, advice: string): Finding => ({ severity: "warning", finding, advice });
const notice = (finding: string, advice: string): Finding => ({ severity: "notice", finding, advice });

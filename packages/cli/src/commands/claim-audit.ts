import type { ClaimAudit } from "@fleetmint/sdk";
import type { Command } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { type Painter, toneOf } from "../output/paint.ts";
import { count, facts, moment, wrap } from "../output/text.ts";

const SHOWN = 5;

/** `fleetmint claim audit` */
export function addClaimAudit(claim: Command, context: Context): void {
  const command = claim
    .command("audit")
    .argument("<id>", "the claim's id")
    .description("say how a claim is used, what is strange about it, and what to do");
  examples(
    command,
    ["Before the next batch", "fleetmint claim audit claim-01h… --data ./fleet"],
    [
      "Alarms only, for a monitor",
      "fleetmint claim audit claim-01h… -o json | jq '.findings[] | select(.severity == \"alarm\")'",
    ],
  );
  remoteCommand(command, context, async ({ client, output }, [claimId]) => {
    const audit = await client.auditClaim({ claimId: claimId! });
    output.answer(audit, () => report(audit, output.paint));
  });
}

function report(audit: ClaimAudit, paint: Painter): string {
  const findings = audit.findings.map(({ severity, finding, advice }) => {
    const mark = paint.tone(toneOf(severity), severity.padEnd(8));
    return `${mark} ${wrap(finding, paint.width, "         ")}\n${advice === "" ? "" : `         → ${wrap(advice, paint.width, "           ")}\n`}`;
  });
  return `${numbers(audit)}\n${findings.join("")}`;
}

function numbers(audit: ClaimAudit): string {
  const { claim } = audit;
  const refusals = audit.refusals.map(
    ({ reason, count, lastAt }) => `${count} × ${reason}, last ${moment(lastAt)} UTC`,
  );
  const expected = audit.expected === 0 ? null : `${audit.expectedProvisioned} of ${audit.expected} provisioned`;
  return facts([
    ["claim", `${claim.claimId} (${claim.status})`],
    [
      "age",
      `${count(Math.floor(audit.ageDays), "day")}, ${audit.daysLeft < 0 ? "expired" : `${count(Math.floor(audit.daysLeft), "day")} left`}`,
    ],
    ["quota", `${claim.redeemed} of ${claim.maxDevices} (${Math.round(audit.quotaUsed * 100)} %)`],
    ["rate", `${audit.redeemedLastHour} in the last hour, ${audit.redeemedLastDay} in the last day`],
    ["expected", expected],
    ["networks", some(audit.networks.map(({ network, count }) => `${network} (${count})`)) || "not used yet"],
    ...refusals.map((text) => ["refused", text] as const),
    ["unknown", some(audit.unknownSerials)],
    ["tried again", some(audit.duplicateSerials)],
    ...audit.byCertificate.map(
      (use) => ["certificate", `${use.certificateId.slice(0, 16)} ${count(use.redeemed, "device")}`] as const,
    ),
  ]);
}

function some(all: readonly string[]): string {
  const more = all.length - SHOWN;
  return all.slice(0, SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

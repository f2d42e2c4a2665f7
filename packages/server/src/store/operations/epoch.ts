import type { AuditEvent, ClaimUsage } from "../../audit/ports.ts";
import { RESTORED } from "../conditions.ts";
import type { ClaimRow, Rows } from "../rows.ts";
import { endPending } from "./issuance.ts";
import { appendAudit } from "./record.ts";

export interface BumpEpoch {
  /** Usage that a signed checkpoint newer than the backup vouches for; undefined where there is none. */
  readonly usage: readonly ClaimUsage[] | undefined;
  /** The newest epoch that is known to have been, from a checkpoint or the database that is replaced. */
  readonly knownEpoch?: number | undefined;
  readonly audit: AuditEvent;
}

const PENDING_SLICE = 1000;

/**
 * After a restore: serial numbers begin with a new epoch, so that none is used twice; tokens of before end; each claim's count becomes
 * what the checkpoint vouches for. A claim whose count nobody vouches for issues nothing until an operator resumes it.
 */
export function bumpEpoch(rows: Rows, request: BumpEpoch): number {
  const epoch = Math.max(rows.epoch(), request.knownEpoch ?? 0) + 1;
  rows.setEpoch(epoch);
  endAllPending(rows);
  const usage = new Map(request.usage?.map((used) => [used.claimId, used]));
  for (const claim of rows.allClaims()) reconcile(rows, claim, usage.get(claim.claimId));
  appendAudit(rows, request.audit);
  return epoch;
}

function endAllPending(rows: Rows): void {
  for (;;) {
    const slice = rows.pendingCertificates(undefined, PENDING_SLICE);
    for (const certificate of slice) endPending(rows, certificate, "restored");
    if (slice.length < PENDING_SLICE) break;
  }
  // What was signed after the backup never becomes known here: its reservations end with it.
  for (;;) {
    const slice = rows.intentsAfter(rows.sweptIntents(), PENDING_SLICE);
    for (const intent of slice) {
      if (intent.profile !== "device" || intent.claim === undefined || intent.certified) continue;
      rows.countClaim(intent.claim, { redeemed: 0, pending: -1 });
    }
    const last = slice.at(-1);
    if (last === undefined) break;
    rows.setSweptIntents(last.id);
  }
}

function reconcile(rows: Rows, claim: ClaimRow, used: ClaimUsage | undefined): void {
  if (used !== undefined && used.redeemed > claim.redeemed) {
    rows.setClaimRedeemed(claim.id, Math.min(used.redeemed, claim.maxDevices));
  }
  // Nobody vouches for its count, or somebody closed it after the backup was made.
  const stays = used === undefined || used.closed === true;
  if (stays && claim.status === "active") rows.setClaimStatus(claim.id, "suspended", RESTORED);
  rows.insertChange("claim", claim.claimId);
}

import type { AttemptRecord } from "../../enrollment/ports.ts";
import { faultPoint } from "../../kit/fault-points.ts";
import type { ClaimId } from "../../vocabulary/ids.ts";
import type { Rows } from "../rows.ts";

/** Serial numbers of each kind that `claim audit` shows; an attacker's guesses must not grow the store. */
const NOTED_SERIALS = 1000;

/** Saves the attempt; the first time it ends refused, the claim's tally of refusals grows. */
export function saveAttempt(rows: Rows, attempt: AttemptRecord): void {
  if (attempt.outcome === "denied" && rows.attempt(attempt.id)?.outcome !== "denied") countRefusal(rows, attempt);
  rows.putAttempt(attempt);
  faultPoint("attempt-recorded");
}

function countRefusal(rows: Rows, attempt: AttemptRecord): void {
  const { principal, reason, serialNumber, atMs } = attempt;
  if (principal.kind !== "claim" || reason === undefined) return;
  const claim = rows.claim(principal.id as ClaimId);
  if (claim === undefined) return;
  rows.countRefusal(claim.id, reason, atMs);
  if (serialNumber === undefined) return;
  if (reason === "serial_not_expected") rows.noteSerial(claim.id, "unknown", serialNumber, NOTED_SERIALS);
  if (reason === "thing_already_provisioned") rows.noteSerial(claim.id, "duplicate", serialNumber, NOTED_SERIALS);
}

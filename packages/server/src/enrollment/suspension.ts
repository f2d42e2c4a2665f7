import { Fault } from "../kit/fault.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { ClaimRecord } from "./ports.ts";

/** What a restore gives as its reason for suspending a claim; whoever meets it needs another remedy than after a burst of refusals. */
const RESTORED: FaultCode = "installation_restored";

/** Why a suspended claim is refused. */
export function suspension({ statusReason }: Pick<ClaimRecord, "statusReason">): Fault {
  if (statusReason === RESTORED) return new Fault("installation_restored");
  return new Fault("claim_suspended", `The claim is suspended: ${statusReason ?? "no reason recorded"}.`);
}

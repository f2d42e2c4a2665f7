// What watches a claim while it is used: its rate, and how often it is refused. Kept in memory, because a burst is a matter of
// minutes; quota, window and serials are the store's, inside the transaction.
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { ClaimId, ThingName } from "../vocabulary/ids.ts";
import type { ClaimRecord } from "./ports.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A device renews a few times a year; more is a loop, and each leaves a certificate that waits an hour. */
const RENEWALS_PER_HOUR = 10;
/** Things whose renewals are counted; the longest unseen is forgotten first. */
const REMEMBERED_THINGS = 10_000;
const REFUSAL_WINDOW_MS = 10 * MINUTE_MS;

/** Refusals that say nothing about the claim: our own troubles, and the consequence of being suspended already. */
const NOT_THE_CLAIMS_FAULT: ReadonlySet<FaultCode> = new Set<FaultCode>([
  "internal_error",
  "store_unavailable",
  "clock_set_back",
  "hook_failed",
  "hook_timeout",
  "claim_suspended",
  "claim_disabled",
  "claim_client_id_busy",
  "installation_restored",
]);

export interface ClaimGuard {
  /** Counts one certificate request; throws claim_rate_exceeded beyond the passport's rate. */
  admitRequest(claim: ClaimRecord): void;
  /** Counts one refusal; returns a sentence when the claim must be suspended for it. */
  noteRefusal(claim: ClaimRecord, code: FaultCode): string | undefined;
  /** Counts one renewal of a thing; throws claim_rate_exceeded beyond RENEWALS_PER_HOUR. */
  admitRenewal(thingName: ThingName): void;
  /** Forgets the counts, when an operator resumes the claim. */
  forget(claimId: ClaimId): void;
}

/** Counts events within a sliding window, never holding more than the limit that matters. */
class Window {
  readonly #times: number[] = [];

  add(nowMs: number, windowMs: number): number {
    while (this.#times.length > 0 && this.#times[0]! <= nowMs - windowMs) this.#times.shift();
    this.#times.push(nowMs);
    return this.#times.length;
  }

  /** A refused event does not count against the next ones. */
  undo(): void {
    this.#times.pop();
  }
}

export function createClaimGuard(clock: Clock): ClaimGuard {
  const requests = new Map<ClaimId, Window>();
  const refusals = new Map<ClaimId, Window>();
  const renewals = new Map<ThingName, Window>();
  return {
    admitRequest(claim) {
      const window = windowOf(requests, claim.claimId);
      if (window.add(clock.monotonicMs(), MINUTE_MS) <= claim.maxPerMinute) return;
      window.undo();
      throw new Fault(
        "claim_rate_exceeded",
        `The claim ${claim.claimId} may provision ${claim.maxPerMinute} devices a minute and has just done so.`,
      );
    },
    noteRefusal(claim, code) {
      if (NOT_THE_CLAIMS_FAULT.has(code)) return undefined;
      const count = windowOf(refusals, claim.claimId).add(clock.monotonicMs(), REFUSAL_WINDOW_MS);
      if (count < claim.suspendAfterRefusals) return undefined;
      refusals.delete(claim.claimId);
      return `${count} refusals within ten minutes, the last one ${code}`;
    },
    admitRenewal(thingName) {
      const nowMs = clock.monotonicMs();
      if (renewals.size >= REMEMBERED_THINGS) renewals.delete(renewals.keys().next().value!);
      const window = windowOf(renewals, thingName);
      if (window.add(nowMs, HOUR_MS) <= RENEWALS_PER_HOUR) return;
      window.undo();
      throw new Fault(
        "claim_rate_exceeded",
        `The thing ${thingName} has asked for ${RENEWALS_PER_HOUR} renewals within an hour.`,
      );
    },
    forget(claimId) {
      requests.delete(claimId);
      refusals.delete(claimId);
    },
  };
}

function windowOf<Key>(windows: Map<Key, Window>, key: Key): Window {
  const known = windows.get(key);
  if (known !== undefined) return known;
  const window = new Window();
  windows.set(key, window);
  return window;
}

import { claimSuspended } from "../audit/events.ts";
import type { Log } from "../kit/log.ts";
import { newId } from "../kit/random.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { AttemptId, ClaimId, TemplateName } from "../vocabulary/ids.ts";
import { AttemptLog, asFault, type Origin } from "./attempt-log.ts";
import type { EventStore } from "./ports.ts";
import { type EnrollmentOutcome, findToken, type RedeemCommand, type RedeemPorts, redeem } from "./redeem.ts";
import {
  type ActivateRenewalCommand,
  activateRenewal,
  type RenewalPorts,
  type RenewalRequest,
  requestRenewal,
} from "./renewal.ts";
import {
  beginAttempt,
  type CertificateRequest,
  type RequestCertificatePorts,
  type RequestedCertificate,
  requestCertificate,
} from "./request-certificate.ts";
import { Refusal } from "./steps.ts";
import { createTokenDeadlines } from "./token-deadlines.ts";

interface EnginePorts extends RenewalPorts, RedeemPorts {
  readonly store: RequestCertificatePorts["store"] & RedeemPorts["store"];
  readonly events: EventStore;
  readonly log: Log;
}

export type EnrollmentPorts = Omit<EnginePorts, "deadlines">;

/** The engine behind every front: one pipeline, one attempt record for each try, three outcomes (a denial is thrown as a Fault). */
export interface Enrollment {
  requestCertificate(request: CertificateRequest): Promise<RequestedCertificate>;
  redeem(origin: Origin, command: RedeemCommand): Promise<EnrollmentOutcome>;
  /** A device asks for its next certificate, on its own connection. */
  requestRenewal(request: RenewalRequest): Promise<RequestedCertificate>;
  activateRenewal(origin: Origin, command: ActivateRenewalCommand): Promise<void>;
  /** Records a refusal that a front or the admission made before the engine was asked. */
  recordDenial(denial: Denial): Promise<void>;
}

export interface Denial {
  readonly origin: Origin;
  readonly claimId: ClaimId | undefined;
  readonly step: string;
  readonly error: unknown;
  readonly template?: TemplateName;
}

export function createEnrollment(given: EnrollmentPorts): Enrollment {
  const ports: EnginePorts = { ...given, deadlines: createTokenDeadlines(given.clock) };
  return {
    async requestCertificate(request) {
      const attempt = beginAttempt(ports, request.origin);
      try {
        return await requestCertificate(ports, attempt, request);
      } catch (error) {
        throw await deny(ports, attempt, { claimId: request.claimId, error, step: "request" });
      }
    },
    async redeem(origin, command) {
      let attempt: AttemptLog | undefined;
      try {
        const token = await findToken(ports, command);
        const begun = await ports.store.attempt(token.attemptId);
        // A second try with the same token is an attempt of its own; the first record stays as it ended.
        attempt = begun?.outcome === "pending" ? AttemptLog.resume(begun) : beginAttempt(ports, origin);
        attempt.certificateId = token.certificateId;
        return await redeem(ports, attempt, { command, token });
      } catch (error) {
        attempt ??= beginAttempt(ports, origin);
        attempt.template ??= command.templateName;
        throw await deny(ports, attempt, { claimId: command.claimId, error, step: "token" });
      }
    },
    async requestRenewal(request) {
      const attempt = beginAttempt(ports, request.origin);
      try {
        return await requestRenewal(ports, attempt, request);
      } catch (error) {
        throw await deny(ports, attempt, { claimId: undefined, error, step: "request" });
      }
    },
    async activateRenewal(origin, command) {
      try {
        await activateRenewal(ports, command);
      } catch (error) {
        throw await deny(ports, beginAttempt(ports, origin), { claimId: undefined, error, step: "token" });
      }
    },
    async recordDenial(denial) {
      const attempt = beginAttempt(ports, denial.origin);
      attempt.template = denial.template;
      await deny(ports, attempt, denial);
    },
  };
}

/** Writes the attempt down, lets the guard count it, and returns the fault for the caller to throw. */
async function deny(
  ports: EnginePorts,
  attempt: AttemptLog,
  denial: { readonly claimId: ClaimId | undefined; readonly error: unknown; readonly step: string },
): Promise<Error> {
  const refusal = denial.error instanceof Refusal ? denial.error : undefined;
  const fault = refusal?.fault ?? asFault(denial.error);
  if (fault.code === "internal_error") {
    ports.log.error("An enrollment failed unexpectedly.", { attempt: attempt.id, error: fault.cause });
  }
  try {
    const own = await unlessIssued(ports, attempt);
    await ports.store.saveAttempt(own.denied(refusal?.step ?? denial.step, fault, ports.clock.now()));
    if (denial.claimId !== undefined) await countRefusal(ports, denial.claimId, fault.code);
  } catch (error) {
    // The refusal stands even where it cannot be written down; a full disk must not turn it into another answer.
    ports.log.error("A refused attempt could not be recorded.", { attempt: attempt.id, error });
  }
  return fault;
}

/** A rival with the same token may have been let in meanwhile. Its record stays, and the refusal gets one of its own. */
async function unlessIssued(ports: EnrollmentPorts, attempt: AttemptLog): Promise<AttemptLog> {
  const stored = await ports.store.attempt(attempt.id);
  if (stored?.outcome !== "issued") return attempt;
  return attempt.under(newId("attempt", ports.clock.now(), ports.random) as AttemptId);
}

async function countRefusal(ports: EnginePorts, claimId: ClaimId, code: FaultCode): Promise<void> {
  const claim = await ports.claims.claim(claimId);
  if (claim === undefined || claim.status !== "active") return;
  const reason = ports.guard.noteRefusal(claim, code);
  if (reason === undefined) return;
  const atMs = ports.clock.now();
  await ports.claims.setClaimStatus({
    claimId,
    status: "suspended",
    reason,
    audit: claimSuspended({ actor: "system", claimId, atMs, detail: { reason } }),
  });
  await ports.events.saveEvent({
    atMs,
    kind: "claim.suspended",
    reason: "claim_suspended",
    message: `The claim was suspended: ${reason}.`,
    certificateId: undefined,
    claimId,
    thingName: undefined,
    clientId: undefined,
    remoteAddress: undefined,
  });
}

import type { Attempt, AttemptDetail, Event } from "@fleetmint/wire/v1";
import type { AttemptRecord, EventRecord } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import { FAULT_CODES, FAULTS, type FaultCode } from "../../vocabulary/faults.ts";
import type { AttemptId, ClaimId } from "../../vocabulary/ids.ts";
import type { Handlers } from "./handler.ts";
import { found, iso, pageView } from "./wire-values.ts";

export const attemptHandlers = {
  async listAttempts(ports, { query }) {
    const page = await ports.attempts.attempts({
      limit: query.limit,
      cursor: query.cursor,
      ...(query.claimId !== undefined && { claimId: query.claimId as ClaimId }),
      ...(query.outcome !== undefined && { outcome: query.outcome }),
      ...(query.reason !== undefined && { reason: knownReason(query.reason) }),
    });
    return pageView(page, attemptView);
  },
  async getAttempt(ports, { params }) {
    const id = params.attemptId;
    return detailView(found(await ports.attempts.attempt(id as AttemptId), `attempt ${id}`));
  },
  async listEvents(ports, { query }) {
    return pageView(await ports.events.events({ limit: query.limit, cursor: query.cursor }), eventView);
  },
} satisfies Partial<Handlers>;

/** A reason that does not exist would list nothing, which reads like good news. */
function knownReason(reason: string): FaultCode {
  const known = FAULT_CODES.find((code) => code === reason);
  if (known !== undefined) return known;
  throw new Fault("request_invalid", `query.reason: "${reason}" is none of our reason codes.`);
}

function attemptView(record: AttemptRecord): Attempt {
  return {
    id: record.id,
    at: iso(record.atMs),
    flow: record.flow,
    front: record.front,
    clientId: record.clientId,
    principal: { kind: record.principal.kind, id: record.principal.id },
    template: record.template ?? null,
    outcome: record.outcome,
    reason: record.reason ?? null,
    message: record.message ?? null,
    thingName: record.thingName ?? null,
  };
}

function detailView(record: AttemptRecord): AttemptDetail {
  return {
    ...attemptView(record),
    remoteAddress: record.remoteAddress,
    serialNumber: record.serialNumber ?? null,
    certificateId: record.certificateId ?? null,
    remedy: record.reason === undefined ? null : FAULTS[record.reason].remedy,
    steps: record.steps.map(({ step, verdict, detail, atMs }) => ({ step, verdict, detail, at: iso(atMs) })),
    written: [...record.written],
  };
}

function eventView(record: EventRecord): Event {
  return {
    sequence: record.sequence,
    at: iso(record.atMs),
    kind: record.kind,
    reason: record.reason ?? null,
    message: record.message,
    certificateId: record.certificateId ?? null,
    claimId: record.claimId ?? null,
    thingName: record.thingName ?? null,
    clientId: record.clientId ?? null,
    remoteAddress: record.remoteAddress ?? null,
  };
}

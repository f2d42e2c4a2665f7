import { z } from "zod";
import {
  attemptId,
  certificateId,
  claimId,
  page,
  pageQuery,
  reasonCode,
  serialNumber,
  templateName,
  thingName,
  time,
} from "./common.ts";
import { operation } from "./operation.ts";

const outcome = z.enum(["issued", "pending", "denied"]);

export const attempt = z
  .object({
    id: attemptId,
    at: time,
    flow: z.enum(["claim", "renewal", "trusted-user", "claim-then-trusted-user", "bulk", "just-in-time", "api"]),
    front: z.string().meta({ description: "Where it came in: aws-mqtt, …" }),
    clientId: z.string(),
    principal: z.object({ kind: z.string(), id: z.string() }),
    template: templateName.nullable(),
    outcome,
    reason: reasonCode.nullable().meta({ description: "Null unless it was denied." }),
    message: z.string().nullable().meta({ description: "What happened and what to do, in sentences." }),
    thingName: thingName.nullable(),
  })
  .meta({ id: "Attempt", description: "One enrollment try." });

export const attemptDetail = attempt
  .extend({
    remoteAddress: z.string(),
    serialNumber: serialNumber.nullable(),
    certificateId: certificateId.nullable(),
    remedy: z.string().nullable().meta({ description: "What to do about `reason`." }),
    steps: z.array(z.object({ step: z.string(), verdict: z.enum(["ok", "denied"]), detail: z.string(), at: time })),
    written: z.array(z.string()).meta({ description: "What was written: `thing X created`, `policy P attached`, …" }),
  })
  .meta({ id: "AttemptDetail", description: "One enrollment try, step by step. Never holds a key, a token or a CSR." });

export const event = z
  .object({
    sequence: z.int(),
    at: time,
    kind: z.string().meta({ description: "connection.refused, claim.suspended, session.taken_over, …" }),
    reason: reasonCode.nullable(),
    message: z.string(),
    certificateId: certificateId.nullable(),
    claimId: claimId.nullable(),
    thingName: thingName.nullable(),
    clientId: z.string().nullable(),
    remoteAddress: z.string().nullable(),
  })
  .meta({ id: "Event", description: "Something that happened outside an enrollment, for an operator to see." });

export const attemptOperations = {
  listAttempts: operation({
    method: "GET",
    path: "/v1/attempts",
    summary: "List enrollment attempts",
    description: "Newest first, a page at a time; by claim, outcome or reason where asked.",
    query: pageQuery.extend({
      claimId: claimId.optional(),
      outcome: outcome.optional(),
      reason: reasonCode.optional(),
    }),
    response: page(attempt),
    errors: [],
  }),
  getAttempt: operation({
    method: "GET",
    path: "/v1/attempts/{attemptId}",
    summary: "Show an enrollment attempt, step by step",
    description: "Each step with its verdict, the reason with its remedy, and what was written.",
    params: z.strictObject({ attemptId }),
    response: attemptDetail,
    errors: ["not_found"],
  }),
  listEvents: operation({
    method: "GET",
    path: "/v1/events",
    summary: "List events",
    description: "Newest first: refused connections, suspended claims, taken-over sessions and the like.",
    query: pageQuery,
    response: page(event),
    errors: [],
  }),
};

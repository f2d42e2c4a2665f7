// The administration API, version 1: every operation with its schemas, documented where it is defined.

import type { z } from "zod";
import type { attempt, attemptDetail, event } from "./attempts.ts";
import type { certificate } from "./certificates.ts";
import type { claim, claimAudit, claimFinding, expectedDevice, issuedClaim } from "./claims.ts";
import type { auditEntry, check } from "./installation.ts";
import type { policy } from "./policies.ts";
import type { explanation, finding, template, templateDetail } from "./templates.ts";
import type { group, thing, thingDetail } from "./things.ts";

export { SERIALS_PER_REQUEST } from "./claims.ts";
export { PAGE_LIMIT, type Problem, problem } from "./common.ts";
export { COMMON_ERRORS, type Operation } from "./operation.ts";
export {
  type Checked,
  type Input,
  OPERATION_NAMES,
  type OperationName,
  type Operations,
  type Output,
  operations,
} from "./operations.ts";
export { HANDLER_CHARACTERS, TEMPLATE_CHARACTERS } from "./templates.ts";

export type Thing = z.output<typeof thing>;
export type ThingDetail = z.output<typeof thingDetail>;
export type Group = z.output<typeof group>;
export type Claim = z.output<typeof claim>;
export type IssuedClaim = z.output<typeof issuedClaim>;
export type ClaimAudit = z.output<typeof claimAudit>;
export type ClaimFinding = z.output<typeof claimFinding>;
export type ExpectedDevice = z.output<typeof expectedDevice>;
export type Template = z.output<typeof template>;
export type TemplateDetail = z.output<typeof templateDetail>;
export type Finding = z.output<typeof finding>;
export type Explanation = z.output<typeof explanation>;
export type Policy = z.output<typeof policy>;
export type Certificate = z.output<typeof certificate>;
export type Attempt = z.output<typeof attempt>;
export type AttemptDetail = z.output<typeof attemptDetail>;
export type Event = z.output<typeof event>;
export type AuditEntry = z.output<typeof auditEntry>;
export type Check = z.output<typeof check>;

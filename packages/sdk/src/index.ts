// Fleetmint's administration API for programs: `createClient` has one typed method for each operation, `items` walks paged
// lists, and every refusal is a `FleetmintError` with the server's reason code and what to do about it.

export type {
  Attempt,
  AttemptDetail,
  AuditEntry,
  Certificate,
  Check,
  Claim,
  ClaimAudit,
  ClaimFinding,
  Event,
  ExpectedDevice,
  Explanation,
  Finding,
  Group,
  Input,
  IssuedClaim,
  OperationName,
  Output,
  Policy,
  Template,
  TemplateDetail,
  Thing,
  ThingDetail,
} from "@fleetmint/wire/v1";
export { type Answer, type Client, createClient } from "./client.ts";
export { FleetmintError } from "./errors.ts";
export { items } from "./items.ts";
export type { ClientOptions } from "./transport.ts";

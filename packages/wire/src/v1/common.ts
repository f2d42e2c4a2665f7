import { z } from "zod";

// Words that several operations share. Times are ISO 8601 in UTC with milliseconds; absent values are null in answers.

/** The most items that one page holds. */
export const PAGE_LIMIT = 250;

const NAME = /^[a-zA-Z0-9:_-]{1,128}$/;
const NAME_RULE = "must be 1–128 of [a-zA-Z0-9:_-]";

export const time = z.iso.datetime().meta({ description: "ISO 8601 in UTC, for example 2026-01-31T12:00:00.000Z." });
export const thingName = z
  .string()
  .regex(NAME, NAME_RULE)
  .meta({ description: "Name of a thing: 1–128 of [a-zA-Z0-9:_-]." });
export const thingTypeName = z
  .string()
  .regex(NAME, NAME_RULE)
  .meta({ description: "Name of a thing type: 1–128 of [a-zA-Z0-9:_-]." });
export const groupName = z
  .string()
  .regex(NAME, NAME_RULE)
  .meta({ description: "Name of a group: 1–128 of [a-zA-Z0-9:_-]." });
export const policyName = z
  .string()
  .regex(/^[\w+=,.@-]{1,128}$/, "must be 1–128 of [A-Za-z0-9_+=,.@-]")
  .meta({ description: "Name of a policy: 1–128 of [A-Za-z0-9_+=,.@-]." });
export const templateName = z
  .string()
  .regex(/^[0-9A-Za-z_-]{1,36}$/, "must be 1–36 of [0-9A-Za-z_-]")
  .meta({ description: "Name of a provisioning template: 1–36 of [0-9A-Za-z_-]." });
export const claimId = z
  .string()
  .regex(/^[0-9A-Za-z_-]{1,64}$/, "must be a claim's id, as `claim list` shows it")
  .meta({ description: "Id of a claim." });
export const attemptId = z
  .string()
  .regex(/^[0-9A-Za-z_-]{1,64}$/, "must be an attempt's id, as `attempt list` shows it")
  .meta({ description: "Id of an enrollment attempt." });
export const certificateId = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
  .meta({ description: "Lower-case hexadecimal SHA-256 of the certificate's DER." });
export const reasonCode = z
  .string()
  .regex(/^[a-z_]{1,64}$/, "must be a reason code such as claim_quota_exceeded")
  .meta({ description: "One of the closed list of reason codes (docs/reference/reason-codes.md)." });
export const serialNumber = z
  .string()
  .min(1)
  .max(128)
  // The characters that the provisioning path refuses from devices; a list that held them could never match.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  .regex(/^[^*?${}+#/\u0000-\u001f\u007f]+$/, "must not contain * ? $ { } + # / or control characters")
  .meta({ description: "A device's serial number: 1–128 characters without * ? $ { } + # / and control characters." });
export const why = z.string().min(1).max(256).meta({ description: "Why, for the record: 1–256 characters." });

/** What a list operation takes. */
export const pageQuery = z.strictObject({
  limit: z.coerce
    .number<number>()
    .int()
    .min(1)
    .max(PAGE_LIMIT)
    .default(100)
    .meta({ description: "Items in the answer, at most 250." }),
  cursor: z.string().min(1).max(512).optional().meta({ description: "`next` of the page before." }),
});

/** What a paged list operation answers. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: "`cursor` of the next page; null at the end." }),
  });
}

/** What an unpaged list operation answers. */
export function list<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item) });
}

/** What an operation answers that has nothing to tell but that it was done. */
export const done = z.object({}).meta({ description: "An empty object: it is done." });

/** RFC 9457 problem details; every refusal has this body with the media type application/problem+json. */
export const problem = z
  .object({
    type: z.string().meta({ description: "`urn:fleetmint:problem:CODE`, where CODE is `code`." }),
    title: z.string().meta({ description: "What the code means, the same for every occurrence." }),
    status: z.int().meta({ description: "The HTTP status." }),
    detail: z.string().meta({ description: "What happened this time, naming the field, name or id." }),
    code: reasonCode,
    remedy: z.string().meta({ description: "What to do about it." }),
    instance: z
      .string()
      .optional()
      .meta({ description: "`urn:fleetmint:error:ID`: the id under which the server's log has the details." }),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details with our reason code and remedy." });

export type Problem = z.infer<typeof problem>;

export const certificateStatus = z
  .enum(["PENDING_ACTIVATION", "ACTIVE", "INACTIVE", "REVOKED"])
  .meta({ description: "State of a certificate, in AWS's words." });

export const certificateSummary = z
  .object({ certificateId, status: certificateStatus, notAfter: time })
  .meta({ id: "CertificateSummary", description: "A certificate as listed beside its owner." });

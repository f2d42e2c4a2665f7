import { z } from "zod";
import { list, pageQuery, time } from "./common.ts";
import { operation } from "./operation.ts";

export const auditEntry = z
  .object({
    index: z.int().meta({ description: "Position in the log, from 0, without gaps." }),
    at: time,
    event: z.string(),
    actor: z.string(),
    subject: z.string(),
    detail: z.record(z.string(), z.unknown()),
    leafHash: z.string().meta({ description: "Lower-case hexadecimal of SHA-256(0x00 ‖ entry as stored)." }),
  })
  .meta({ id: "AuditEntry", description: "One fact, kept for ever and sealed by the log's checkpoints." });

export const check = z
  .object({
    name: z.string(),
    ok: z.boolean(),
    severity: z
      .enum(["ok", "warning", "error"])
      .meta({ description: "`warning`: the installation works, and could be better." }),
    message: z.string(),
    remedy: z.string().nullable(),
  })
  .meta({ id: "Check", description: "One thing that was looked at, and what to do where it is not well." });

export const installationOperations = {
  listAuditEntries: operation({
    method: "GET",
    path: "/v1/audit/entries",
    summary: "Read the audit log",
    description:
      "Entries in the order of the log, from index `from` on; `next` is the index to go on from, null at the end.",
    query: pageQuery.omit({ cursor: true }).extend({
      from: z.coerce
        .number<number>()
        .int()
        .min(0)
        .max(Number.MAX_SAFE_INTEGER)
        .default(0)
        .meta({ description: "First index." }),
    }),
    response: z.object({
      items: z.array(auditEntry),
      next: z.int().nullable(),
      size: z.int().meta({ description: "Entries in the log." }),
    }),
    errors: [],
  }),
  exportAudit: operation({
    method: "GET",
    path: "/v1/audit/export",
    summary: "Export the whole audit log with its checkpoint",
    description: "Lines of JSON that `fleetmint audit verify FILE` checks without the server.",
    response: z.record(z.string(), z.unknown()),
    lines: true,
    errors: [],
  }),
  createBackup: operation({
    method: "POST",
    path: "/v1/backup",
    summary: "Write a backup while the server runs",
    description:
      "To a file on the server's own disk, which must not exist. It holds everything but the CA's unlocking secret.",
    body: z.strictObject({
      path: z
        .string()
        .min(1)
        .max(4096)
        .regex(/^[^\0]+$/, "must not contain NUL")
        .meta({ description: "Absolute path on the server." }),
    }),
    response: z.object({ path: z.string(), bytes: z.int() }),
    status: 201,
    errors: ["already_exists", "conflict"],
  }),
  doctor: operation({
    method: "GET",
    path: "/v1/doctor",
    summary: "Check the installation",
    description: "CA and server certificates, keys, clock, disk, store and settings; each finding with its remedy.",
    response: list(check).extend({ ok: z.boolean().meta({ description: "No check found an error." }) }),
    errors: [],
  }),
};

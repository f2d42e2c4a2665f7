import { isAbsolute } from "node:path";
import type { AuditEntry, Check } from "@fleetmint/wire/v1";
import type { AuditEvent, AuditEntry as StoredEntry } from "../../audit/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { Handlers } from "./handler.ts";
import type { DoctorCheck } from "./ports.ts";
import { iso } from "./wire-values.ts";

export const installationHandlers = {
  async listAuditEntries(ports, { query }) {
    const items = await ports.audit.entries(query.from, query.limit);
    const size = await ports.audit.entryCount();
    const after = query.from + items.length;
    return { items: items.map(entryView), next: items.length > 0 && after < size ? after : null, size };
  },
  async exportAudit(ports) {
    return ports.auditExport.stream();
  },
  async createBackup(ports, { body, actor }) {
    if (!isAbsolute(body.path)) {
      throw new Fault("request_invalid", "body.path: must be an absolute path on the server's machine.");
    }
    return { path: body.path, bytes: (await ports.backup.run(body.path, actor)).bytes };
  },
  async doctor(ports) {
    const { checks } = await ports.doctor.check();
    const items = checks.map(checkView);
    return { ok: items.every(({ severity }) => severity !== "error"), items };
  },
} satisfies Partial<Handlers>;

function checkView({ name, ok, warning, message, remedy }: DoctorCheck): Check {
  return { name, ok, severity: ok ? "ok" : warning === true ? "warning" : "error", message, remedy: remedy ?? null };
}

function entryView({ index, body, leafHash }: StoredEntry): AuditEntry {
  const event = JSON.parse(body) as AuditEvent;
  return {
    index,
    at: iso(event.atMs),
    event: event.event,
    actor: event.actor,
    subject: event.subject,
    detail: { ...event.detail },
    leafHash,
  };
}

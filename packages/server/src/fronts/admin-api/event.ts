import type { AuditEvent } from "../../audit/ports.ts";
import { describePrincipal } from "../../vocabulary/principal.ts";
import type { Actor, AdminPorts } from "./ports.ts";

/** What the operator did, for the audit log. */
export function event(
  ports: Pick<AdminPorts, "clock">,
  actor: Actor,
  name: string,
  subject: string,
  detail: Readonly<Record<string, unknown>> = {},
): AuditEvent {
  return { event: name, actor: describePrincipal(actor), subject, atMs: ports.clock.now(), detail };
}

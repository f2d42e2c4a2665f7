import { describePrincipal } from "../../vocabulary/principal.ts";
import type { Actor, AdminPorts } from "./ports.ts";

/** Who did it and when, for the audit entry of a change. */
export function by(ports: Pick<AdminPorts, "clock">, actor: Actor): { readonly actor: string; readonly atMs: number } {
  return { actor: describePrincipal(actor), atMs: ports.clock.now() };
}

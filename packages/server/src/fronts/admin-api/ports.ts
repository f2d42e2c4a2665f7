import type { AccountStore } from "../../access/ports.ts";
import type { AuditStore } from "../../audit/ports.ts";
import type { Claims } from "../../enrollment/claims.ts";
import type { AttemptStore, ClaimStore, EventStore, TemplateStore } from "../../enrollment/ports.ts";
import type { TemplateService } from "../../enrollment/template-service.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import type { RegistryStore } from "../../registry/ports.ts";
import type { CertificateId } from "../../vocabulary/ids.ts";
import type { Principal } from "../../vocabulary/principal.ts";

/** Everything that the admin API needs. Reads go to the stores; what decides or signs goes to the domain. */
export interface AdminPorts {
  readonly accounts: AccountStore;
  readonly registry: RegistryStore;
  readonly claimStore: Pick<ClaimStore, "claim" | "claims" | "expectedDevices" | "addExpectedDevices">;
  readonly attempts: Pick<AttemptStore, "attempt" | "attempts">;
  readonly templateStore: Pick<TemplateStore, "template" | "templates">;
  readonly events: Pick<EventStore, "events">;
  readonly audit: Pick<AuditStore, "entries" | "entryCount">;

  readonly claims: Claims;
  readonly templates: Pick<TemplateService, "apply" | "lint" | "explain">;
  readonly certificates: Certificates;
  readonly backup: Backup;
  readonly doctor: Doctor;
  readonly auditExport: AuditExport;

  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Listeners are up and the store answers: `/readyz`. */
  isReady(): boolean;
}

/** Who asks, as authenticated. */
export type Actor = Extract<Principal, { kind: "account" }>;

export type RevocationReason = "operator" | "key_compromise" | "superseded" | "retired";

export interface Certificates {
  /** Faults: not_found, conflict. */
  revoke(id: CertificateId, reason: RevocationReason, actor: Actor): Promise<void>;
}

export interface Backup {
  /** To a file that does not exist yet, by absolute path. Faults: already_exists, conflict, store_unavailable. */
  run(toPath: string, actor: Actor): Promise<{ readonly bytes: number }>;
}

export interface DoctorCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Not ok, yet the installation works: `doctor` says so and does not fail. */
  readonly warning?: boolean;
  readonly message: string;
  readonly remedy?: string;
}

export interface Doctor {
  check(): Promise<{ readonly checks: readonly DoctorCheck[] }>;
}

export interface AuditExport {
  /** Lines of JSON without the line ends. */
  stream(): AsyncIterable<string>;
}

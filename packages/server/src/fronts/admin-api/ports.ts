import type { AccountStore } from "../../access/ports.ts";
import type { AuditStore } from "../../audit/ports.ts";
import type {
  AttemptStore,
  ClaimActivity,
  ClaimRecord,
  ClaimStore,
  EventStore,
  KeyAlgorithm,
  TemplateStore,
} from "../../enrollment/ports.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Fault } from "../../kit/fault.ts";
import type { Log } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import type { RegistryStore } from "../../registry/ports.ts";
import type { Plan, TemplateSettings } from "../../templates/plan.ts";
import type { CertificateId, ClaimId, TemplateName } from "../../vocabulary/ids.ts";
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
  readonly templates: Templates;
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

// --- claims ---

export type ClaimGuard =
  | { readonly kind: "serials"; readonly serials: readonly string[] }
  | { readonly kind: "hook" }
  | { readonly kind: "any-device" };

export interface CreateClaimRequest {
  readonly templates: readonly TemplateName[];
  readonly guard: ClaimGuard;
  readonly batch: string | undefined;
  readonly supplier: string | undefined;
  readonly maxDevices: number;
  /** Now unless given. */
  readonly notBeforeMs: number | undefined;
  readonly validForMs: number;
  readonly networks: readonly string[];
  readonly maxPerMinute: number;
  readonly suspendAfterRefusals: number;
  readonly keyAlgorithm: KeyAlgorithm;
  /** The claim's key is the caller's; absent, the server makes one. */
  readonly csrPem: string | undefined;
}

export interface IssuedClaim {
  readonly claim: ClaimRecord;
  readonly certificateId: CertificateId;
  readonly certificatePem: string;
  /** Absent where the request brought a CSR. Handed out once, never stored. */
  readonly privateKeyPem: string | undefined;
  readonly caPem: string;
}

export interface ClaimFinding {
  readonly severity: "ok" | "notice" | "warning" | "alarm";
  readonly finding: string;
  readonly advice: string;
}

export interface ClaimAudit
  extends Pick<
    ClaimActivity,
    | "refusals"
    | "redeemedLastHour"
    | "redeemedLastDay"
    | "networks"
    | "unknownSerials"
    | "duplicateSerials"
    | "expected"
    | "expectedProvisioned"
    | "byCertificate"
  > {
  readonly claim: ClaimRecord;
  readonly ageDays: number;
  readonly daysLeft: number;
  /** 0 to 1. */
  readonly quotaUsed: number;
  readonly newNetworks: readonly string[];
  readonly findings: readonly ClaimFinding[];
}

/** Faults: not_found, conflict, claim_unguarded, template_unknown, csr_…, key_…. */
export interface Claims {
  create(request: CreateClaimRequest, actor: Actor): Promise<IssuedClaim>;
  rotate(
    request: { readonly claimId: ClaimId; readonly csrPem: string | undefined },
    actor: Actor,
  ): Promise<IssuedClaim>;
  audit(claimId: ClaimId): Promise<ClaimAudit>;
  disable(claimId: ClaimId, reason: string, actor: Actor): Promise<void>;
  suspend(claimId: ClaimId, reason: string, actor: Actor): Promise<void>;
  resume(claimId: ClaimId, actor: Actor): Promise<void>;
  quarantine(claimId: ClaimId, quarantined: boolean, actor: Actor): Promise<void>;
}

// --- templates ---

export interface TemplateFinding {
  readonly severity: "error" | "warning";
  /** Place in the document: `Resources.thing.Properties.ThingName`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export type HookRequest =
  | { readonly kind: "webhook"; readonly url: string }
  | { readonly kind: "handler"; readonly fileName: string; readonly source: string };

export interface ApplyTemplateRequest {
  readonly name: TemplateName;
  /** Must be given where the template is new. */
  readonly body: string | undefined;
  readonly settings: Partial<TemplateSettings>;
  /** Null removes the hook; undefined leaves it as it is. */
  readonly hook: HookRequest | null | undefined;
}

export interface AppliedTemplate {
  readonly version: number;
  readonly changed: boolean;
  /** Warnings only: a body with errors is the fault template_invalid. */
  readonly findings: readonly TemplateFinding[];
  /** The new webhook's signing key, shown this once. */
  readonly hookSecret: string | undefined;
}

export interface ExplainedStep {
  readonly step: string;
  readonly verdict: "ok" | "denied";
  readonly detail: string;
}

export interface Explanation {
  readonly outcome:
    | { readonly kind: "issued"; readonly plan: Plan }
    | { readonly kind: "denied"; readonly fault: Fault };
  readonly steps: readonly ExplainedStep[];
  readonly warnings: readonly string[];
}

export interface Templates {
  apply(request: ApplyTemplateRequest, actor: Actor): Promise<AppliedTemplate>;
  lint(body: string): readonly TemplateFinding[];
  /** Faults only where nothing can be explained: not_found. A refusal is an outcome. */
  explain(request: {
    readonly name: TemplateName;
    readonly parameters: Readonly<Record<string, string>>;
    readonly clientId: string | undefined;
  }): Promise<Explanation>;
}

// --- the rest ---

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

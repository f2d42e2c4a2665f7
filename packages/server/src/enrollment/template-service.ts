// What operators do with templates: apply, lint, explain.
import { templateApplied } from "../audit/events.ts";
import type { HookConfig, HookRequest } from "../hooks/ports.ts";
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import type { Log } from "../kit/log.ts";
import type { Random } from "../kit/random.ts";
import { parsePolicy } from "../policies/parse-policy.ts";
import { explain } from "../templates/explain.ts";
import { lintTemplate } from "../templates/lint-template.ts";
import { DEFAULT_TEMPLATE_SETTINGS, type Plan, type TemplateSettings } from "../templates/plan.ts";
import type { CertificateId, TemplateName } from "../vocabulary/ids.ts";
import { describePrincipal, type Principal } from "../vocabulary/principal.ts";
import { asFault } from "./attempt-log.ts";
import { checkParameters } from "./device-parameters.ts";
import type { TemplateRecord, TemplateStore } from "./ports.ts";
import type { HookAsker } from "./redeem.ts";
import type { TemplateCatalog } from "./template-catalog.ts";

export interface TemplateServicePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: TemplateStore;
  readonly catalog: TemplateCatalog;
  readonly hooks: HookAsker & {
    /** Starts, replaces or stops the template's hook. */
    configure(name: TemplateName, config: HookConfig | undefined): void;
    /** Tries a configuration without using it; throws request_invalid with what is wrong. */
    check(config: HookConfig): Promise<HookConfig>;
  };
  readonly arnPrefix: string;
}

export type WantedHook =
  | { readonly kind: "webhook"; readonly url: string }
  | { readonly kind: "handler"; readonly fileName: string; readonly source: string };

export interface ApplyTemplate {
  readonly name: TemplateName;
  readonly body: string | undefined;
  readonly settings: Partial<TemplateSettings>;
  /** Null removes it, undefined leaves it. */
  readonly hook: WantedHook | null | undefined;
}

export interface TemplateFinding {
  readonly severity: "error" | "warning";
  readonly path: string;
  readonly message: string;
}

export interface Explanation {
  readonly outcome:
    | { readonly kind: "issued"; readonly plan: Plan }
    | { readonly kind: "denied"; readonly fault: Fault };
  readonly steps: readonly { readonly step: string; readonly verdict: "ok" | "denied"; readonly detail: string }[];
  readonly warnings: readonly string[];
}

export interface TemplateService {
  apply(
    request: ApplyTemplate,
    actor: Principal,
  ): Promise<{
    version: number;
    changed: boolean;
    findings: readonly TemplateFinding[];
    hookSecret: string | undefined;
  }>;
  lint(body: string): readonly TemplateFinding[];
  explain(request: {
    readonly name: TemplateName;
    readonly parameters: Readonly<Record<string, string>>;
    readonly clientId: string | undefined;
  }): Promise<Explanation>;
  /** Starts the hooks of all templates, at start-up. */
  startHooks(): Promise<void>;
}

export function createTemplateService(ports: TemplateServicePorts): TemplateService {
  return {
    lint: (body) => findingsOf(body),
    apply: (request, actor) => apply(ports, request, actor),
    explain: (request) => explainTemplate(ports, request),
    async startHooks() {
      for (const record of await ports.store.templates()) {
        try {
          ports.hooks.configure(record.name, record.hook);
        } catch (error) {
          // One hook that cannot be used any more denies its own devices; everyone else is served.
          ports.log.error("A template's hook cannot be used; its devices are refused.", {
            template: record.name,
            error,
          });
        }
      }
    },
  };
}

async function apply(
  ports: TemplateServicePorts,
  request: ApplyTemplate,
  actor: Principal,
): Promise<{
  version: number;
  changed: boolean;
  findings: readonly TemplateFinding[];
  hookSecret: string | undefined;
}> {
  const known = await ports.store.template(request.name);
  if (known === undefined && request.body === undefined) {
    throw new Fault("not_found", `There is no template "${request.name}", and no body was given to create it.`);
  }
  const findings = request.body === undefined ? [] : acceptable(request.body);
  const hookSecret = request.hook?.kind === "webhook" ? newSecret(ports, known, request.hook.url) : undefined;
  const hook = hookConfig(known, request.hook, hookSecret);
  // A hook that cannot be loaded is refused before anything is written.
  if (hook !== undefined && hook !== null) await ports.hooks.check(hook);
  const applied = await ports.store.applyTemplate({
    name: request.name,
    body: request.body,
    settings: { ...(known?.settings ?? DEFAULT_TEMPLATE_SETTINGS), ...withoutUndefined(request.settings) },
    hook,
    nowMs: ports.clock.now(),
    audit: templateApplied({
      actor: describePrincipal(actor),
      templateName: request.name,
      atMs: ports.clock.now(),
      detail: { settings: request.settings, body: request.body !== undefined, hook: request.hook?.kind },
    }),
  });
  if (hook !== undefined) ports.hooks.configure(request.name, hook ?? undefined);
  return { ...applied, findings, hookSecret };
}

/** A document with errors is refused with every finding; warnings come back. */
function acceptable(body: string): readonly TemplateFinding[] {
  const findings = findingsOf(body);
  const errors = findings.filter((finding) => finding.severity === "error");
  if (errors.length > 0) {
    throw new Fault("template_invalid", errors.map((error) => `${error.path}: ${error.message}`).join("\n"));
  }
  return findings;
}

function findingsOf(body: string): readonly TemplateFinding[] {
  return lintTemplate(body, { checkPolicy: parsePolicy }).map((finding) => ({
    severity: finding.severity,
    // The empty path is the document as a whole, in JSON Pointer.
    path: `${finding.path || "The document"} (line ${finding.line}, column ${finding.column})`,
    message: `${finding.message} ${finding.remedy}`,
  }));
}

/** The same webhook keeps its key; a new one gets a new key. */
function newSecret(ports: TemplateServicePorts, known: TemplateRecord | undefined, url: string): string | undefined {
  if (known?.hook?.kind === "webhook" && known.hook.url === url) return undefined;
  return Buffer.from(ports.random.bytes(32)).toString("base64url");
}

function hookConfig(
  known: TemplateRecord | undefined,
  wanted: WantedHook | null | undefined,
  secret: string | undefined,
): HookConfig | null | undefined {
  if (wanted === null || wanted === undefined || wanted.kind === "handler") return wanted;
  if (secret !== undefined) return { ...wanted, secret };
  return known?.hook;
}

/** Stands for the certificate that a real enrollment would have asked for. */
const SAMPLE_CERTIFICATE_ID = "0".repeat(64) as CertificateId;

async function explainTemplate(
  ports: TemplateServicePorts,
  request: {
    readonly name: TemplateName;
    readonly parameters: Readonly<Record<string, string>>;
    readonly clientId: string | undefined;
  },
): Promise<Explanation> {
  const record = await ports.store.template(request.name);
  if (record === undefined) throw new Fault("not_found", `There is no template "${request.name}".`);
  const steps: { step: string; verdict: "ok" | "denied"; detail: string }[] = [];
  let step = "parameters";
  try {
    const device = new Map(Object.entries(request.parameters));
    checkParameters(device);
    steps.push({ step, verdict: "ok", detail: [...device.keys()].join(", ") || "None given." });
    step = "hook";
    const overrides = await askHook(ports, record, request);
    if (record.hook !== undefined)
      steps.push({ step, verdict: "ok", detail: `Allowed; overrides: ${[...overrides.keys()].join(", ") || "none"}.` });
    step = "evaluate";
    const { template, version } = await ports.catalog.current(request.name);
    const explained = explain(template, {
      deviceParameters: device,
      hookOverrides: overrides,
      certificateId: SAMPLE_CERTIFICATE_ID,
      settings: record.settings,
    });
    steps.push({ step: "template", verdict: "ok", detail: `Version ${version}.` }, ...explained.steps);
    return { outcome: explained.outcome, steps, warnings: explained.warnings };
  } catch (error) {
    const fault = asFault(error);
    steps.push({ step, verdict: "denied", detail: fault.message });
    return { outcome: { kind: "denied", fault }, steps, warnings: [] };
  }
}

async function askHook(
  ports: TemplateServicePorts,
  record: TemplateRecord,
  request: {
    readonly name: TemplateName;
    readonly parameters: Readonly<Record<string, string>>;
    readonly clientId: string | undefined;
  },
): Promise<ReadonlyMap<string, string>> {
  if (record.hook === undefined) return new Map();
  const asked: HookRequest = {
    claimCertificateId: SAMPLE_CERTIFICATE_ID,
    certificateId: SAMPLE_CERTIFICATE_ID,
    certificatePem: "",
    templateArn: `${ports.arnPrefix}:provisioningtemplate/${request.name}`,
    clientId: request.clientId ?? "explain",
    parameters: request.parameters,
  };
  return new Map(Object.entries((await ports.hooks.decide(request.name, asked)).parameterOverrides));
}

function withoutUndefined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

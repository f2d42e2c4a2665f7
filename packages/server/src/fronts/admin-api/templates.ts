import type { Template, Explanation as WireExplanation } from "@fleetmint/wire/v1";
import type { TemplateRecord } from "../../enrollment/ports.ts";
import type { Explanation } from "../../enrollment/template-service.ts";
import type { HookConfig } from "../../hooks/ports.ts";
import type { Plan, TemplateSettings } from "../../templates/plan.ts";
import type { TemplateName } from "../../vocabulary/ids.ts";
import type { Call, Handlers } from "./handler.ts";
import type { AdminPorts } from "./ports.ts";
import { found, iso } from "./wire-values.ts";

export const templateHandlers = {
  async applyTemplate(ports, { params, body, actor }) {
    const name = params.templateName as TemplateName;
    const applied = await ports.templates.apply(
      { name, body: body.body, settings: settingsOf(body), hook: body.hook },
      actor,
    );
    return {
      templateName: name,
      version: applied.version,
      changed: applied.changed,
      findings: [...applied.findings],
      hookSecret: applied.hookSecret ?? null,
    };
  },
  async listTemplates(ports) {
    return { items: (await ports.templateStore.templates()).map(templateView) };
  },
  async getTemplate(ports, { params }) {
    const record = await templateOf(ports, params.templateName);
    const current = record.versions.find(({ version }) => version === record.defaultVersion)!;
    return { ...templateView(record), createdAt: iso(current.createdAtMs), body: current.body };
  },
  async listTemplateVersions(ports, { params }) {
    const { versions, defaultVersion } = await templateOf(ports, params.templateName);
    const newestFirst = versions.toSorted((a, b) => b.version - a.version);
    return {
      items: newestFirst.map(({ version, createdAtMs, body }) => ({
        version,
        default: version === defaultVersion,
        createdAt: iso(createdAtMs),
        body,
      })),
    };
  },
  async lintTemplate(ports, { body }) {
    const findings = ports.templates.lint(body.body);
    return { ok: findings.every(({ severity }) => severity !== "error"), findings: [...findings] };
  },
  async explainTemplate(ports, { params, body }) {
    const name = params.templateName as TemplateName;
    const explanation = await ports.templates.explain({ name, parameters: body.parameters, clientId: body.clientId });
    return explanationView(explanation);
  },
} satisfies Partial<Handlers>;

async function templateOf(ports: AdminPorts, name: string): Promise<TemplateRecord> {
  return found(await ports.templateStore.template(name as TemplateName), `template "${name}"`);
}

function settingsOf(body: Call<"applyTemplate">["body"]): Partial<TemplateSettings> {
  return {
    ...(body.existingThing !== undefined && { existingThing: body.existingThing }),
    ...(body.serialParameter !== undefined && { serialParameter: body.serialParameter }),
    ...(body.certificateDays !== undefined && { certificateDays: body.certificateDays }),
    ...(body.enabled !== undefined && { enabled: body.enabled }),
  };
}

function templateView(record: TemplateRecord): Template {
  return {
    templateName: record.name,
    enabled: record.enabled,
    defaultVersion: record.defaultVersion,
    existingThing: record.settings.existingThing,
    serialParameter: record.settings.serialParameter,
    certificateDays: record.settings.certificateDays,
    hook: record.hook === undefined ? null : hookView(record.hook),
  };
}

/** Where the hook is, without its secret, its source, or credentials that someone wrote into a URL. */
function hookView(hook: HookConfig): NonNullable<Template["hook"]> {
  if (hook.kind === "handler") return { kind: "handler", target: hook.fileName };
  const { origin, pathname } = new URL(hook.url);
  return { kind: "webhook", target: origin + pathname };
}

function explanationView({ outcome, steps, warnings }: Explanation): WireExplanation {
  const denied = outcome.kind === "denied" ? outcome.fault : undefined;
  return {
    outcome: outcome.kind,
    reason: denied?.code ?? null,
    message: denied === undefined ? null : `${denied.message.replace(/[^.!?]$/, "$&.")} ${denied.remedy}`,
    steps: [...steps],
    warnings: [...warnings],
    plan: outcome.kind === "issued" ? planView(outcome.plan) : null,
  };
}

function planView(plan: Plan): NonNullable<WireExplanation["plan"]> {
  return {
    thing: plan.thing === undefined ? null : plannedThingView(plan.thing),
    certificateStatus: plan.certificateStatus,
    policies: plan.policies.map(({ name, document }) => ({ policyName: name, document: document ?? null })),
    deviceConfiguration: { ...plan.deviceConfiguration },
    serialNumber: plan.serialNumber ?? null,
  };
}

function plannedThingView(thing: NonNullable<Plan["thing"]>) {
  return {
    thingName: thing.name,
    thingType: thing.typeName ?? null,
    attributes: { ...thing.attributes },
    groups: [...thing.groups],
    billingGroup: thing.billingGroup ?? null,
  };
}

import { canonicalJson } from "../../audit/leaf.ts";
import type { TemplateRecord, TemplateStore } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import { DEFAULT_TEMPLATE_SETTINGS } from "../../templates/plan.ts";
import type { Rows } from "../rows.ts";
import { beyondLimit } from "./policies.ts";
import { appendAudit } from "./record.ts";

type Apply = Parameters<TemplateStore["applyTemplate"]>[0];

export function applyTemplate(rows: Rows, request: Apply): { readonly version: number; readonly changed: boolean } {
  const record = rows.template(request.name);
  if (record === undefined && request.body === undefined) {
    throw new Fault("not_found", `There is no template ${request.name}; its first version needs a body.`);
  }
  const next = nextRecord(record, request);
  if (record !== undefined && canonicalJson(fixed(record)) === canonicalJson(fixed(next))) {
    return { version: record.defaultVersion, changed: false };
  }
  const template = rows.templateRow(request.name)?.id ?? rows.insertTemplate(request.name);
  if (next.defaultVersion !== record?.defaultVersion)
    addVersion(rows, { template, record, request, version: next.defaultVersion });
  rows.updateTemplate(template, next);
  appendAudit(rows, request.audit);
  return { version: next.defaultVersion, changed: true };
}

type Settled = Pick<TemplateRecord, "defaultVersion" | "settings" | "hook">;

function fixed({ defaultVersion, settings, hook }: Settled): Settled {
  return { defaultVersion, settings, hook };
}

function nextRecord(record: TemplateRecord | undefined, request: Apply): Settled {
  const current = record?.versions.find((version) => version.version === record.defaultVersion);
  const sameBody = request.body === undefined || request.body === current?.body;
  const newest = Math.max(0, ...(record?.versions.map((version) => version.version) ?? []));
  return {
    defaultVersion: sameBody && record !== undefined ? record.defaultVersion : newest + 1,
    settings: request.settings ?? record?.settings ?? DEFAULT_TEMPLATE_SETTINGS,
    hook: request.hook === undefined ? record?.hook : (request.hook ?? undefined),
  };
}

function addVersion(
  rows: Rows,
  add: {
    readonly template: number;
    readonly record: TemplateRecord | undefined;
    readonly request: Apply;
    readonly version: number;
  },
): void {
  const { template, record, request, version } = add;
  rows.insertTemplateVersion(template, version, request.nowMs, request.body ?? "");
  const numbers = [...(record?.versions.map((kept) => kept.version) ?? []), version];
  for (const old of beyondLimit(numbers, version, LIMITS.templateVersions)) rows.deleteTemplateVersion(template, old);
}

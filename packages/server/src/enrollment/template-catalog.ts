import { Fault } from "../kit/fault.ts";
import { parseTemplate, type Template } from "../templates/parse-template.ts";
import type { TemplateName } from "../vocabulary/ids.ts";
import type { TemplateRecord, TemplateStore } from "./ports.ts";

/** A template as it is in force now. */
export interface CurrentTemplate {
  readonly record: TemplateRecord;
  readonly version: number;
  readonly template: Template;
}

/** Reads templates from the store and parses each version once. */
export interface TemplateCatalog {
  /** Faults: template_unknown, template_disabled. */
  current(name: TemplateName): Promise<CurrentTemplate>;
  /** Lifetime of the template's device certificates; a year where the template is unknown. */
  certificateDays(name: TemplateName): Promise<number>;
}

const FALLBACK_DAYS = 365;
/** Parsed bodies kept; more templates than this are parsed again. */
const KEPT = 256;

export function createTemplateCatalog(store: TemplateStore): TemplateCatalog {
  const parsed = new Map<string, Template>();
  return {
    async current(name) {
      const record = await store.template(name);
      if (record === undefined) throw new Fault("template_unknown", `There is no template "${name}".`);
      if (!record.enabled) throw new Fault("template_disabled", `The template "${name}" is disabled.`);
      return { record, version: record.defaultVersion, template: parseOnce(parsed, record) };
    },
    async certificateDays(name) {
      return (await store.template(name))?.settings.certificateDays ?? FALLBACK_DAYS;
    },
  };
}

function parseOnce(parsed: Map<string, Template>, record: TemplateRecord): Template {
  const body = record.versions.find((version) => version.version === record.defaultVersion)!.body;
  const known = parsed.get(body);
  if (known !== undefined) return known;
  const template = parseTemplate(body);
  if (parsed.size >= KEPT) parsed.delete(parsed.keys().next().value!);
  parsed.set(body, template);
  return template;
}

import { Fault } from "../kit/fault.ts";
import { readTemplate } from "./read-template.ts";
import type { Template } from "./template.ts";

export type { Template } from "./template.ts";

/** Reads a template body; throws `template_invalid` with the first error and how many more there are. */
export function parseTemplate(text: string): Template {
  const { template, findings } = readTemplate(text);
  const errors = findings.filter((finding) => finding.severity === "error");
  const [first] = errors;
  if (template !== undefined && first === undefined) return template;
  if (first === undefined) throw new Error("a template was not read and nothing was found wrong with it");
  const more = errors.length === 1 ? "" : ` (and ${errors.length - 1} more)`;
  const place = `line ${first.line}, column ${first.column}${first.path === "" ? "" : ` (${first.path})`}`;
  throw new Fault("template_invalid", `${place}: ${first.message} ${first.remedy}${more}`);
}

import { readTemplate } from "./read-template.ts";
import type { Finding, LintOptions } from "./template.ts";

export type { Finding, LintOptions } from "./template.ts";

/** Everything that is wrong or doubtful in a template body, in the order of the text. Never throws. */
export function lintTemplate(text: string, options: LintOptions = {}): readonly Finding[] {
  return readTemplate(text, options).findings;
}

import { LIMITS } from "../kit/limits.ts";
import { Findings } from "./findings.ts";
import { JsonError, readJson } from "./json-reader.ts";
import { describeNode, type Located, literalText, membersOf, onlyKeys } from "./members.ts";
import { type Reading, readExpression } from "./read-expression.ts";
import { type ReadResources, readResources } from "./read-resources.ts";
import {
  CERTIFICATE_ID_PARAMETER,
  type Expression,
  type Finding,
  type LintOptions,
  type Mapping,
  type Parameter,
  type Template,
} from "./template.ts";

/** A template body, as far as it could be read, and all that is to be said of it. */
export interface ReadTemplate {
  readonly template: Template | undefined;
  readonly findings: readonly Finding[];
}

const START = { path: "", at: 0 };

/** Reads a template body. Without a template there is at least one error among the findings. */
export function readTemplate(text: string, options: LintOptions = {}): ReadTemplate {
  if (text.length > LIMITS.templateCharacters) {
    // Positions in the long text are not wanted: only its beginning is looked at.
    const findings = new Findings("");
    findings.error(
      START,
      `The template has ${text.length} characters; at most ${LIMITS.templateCharacters} are allowed.`,
      "Attach policies by PolicyName instead of writing their documents here.",
    );
    return { template: undefined, findings: findings.list() };
  }
  const findings = new Findings(text);
  const root = parseRoot(text, findings);
  const template = root === undefined ? undefined : readRoot(root, { findings, references: [], maps: [] }, options);
  return { template, findings: findings.list() };
}

function parseRoot(text: string, findings: Findings): Located | undefined {
  try {
    const node = readJson(text);
    return { node, path: "", at: node.at, keyAt: node.at };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return findings.error(
      { path: "", at: error.at },
      `This is not JSON: ${error.message}.`,
      "Correct the syntax here.",
    );
  }
}

const SECTIONS = ["Parameters", "Mappings", "Resources", "DeviceConfiguration"];

function readRoot(root: Located, reading: Reading, options: LintOptions): Template | undefined {
  const { findings } = reading;
  const members = membersOf(root, findings);
  if (members === undefined) return undefined;
  onlyKeys(members, SECTIONS, findings);
  const parameters = readParameters(members.get("Parameters"), findings);
  const mappings = readMappings(members.get("Mappings"), findings);
  const deviceConfiguration = readDeviceConfiguration(members.get("DeviceConfiguration"), reading);
  const section = members.get("Resources");
  if (section === undefined) {
    return findings.error(root, "The template has no Resources.", "Declare at least an AWS::IoT::Certificate.");
  }
  const resources = readResources(section, reading, options);
  if (resources === undefined) return undefined;
  checkReferences(reading, { parameters, mappings, resources });
  return { parameters, mappings, deviceConfiguration, ...resources };
}

function readParameters(section: Located | undefined, findings: Findings): ReadonlyMap<string, Parameter> {
  const parameters = new Map<string, Parameter>();
  const declared = section === undefined ? undefined : membersOf(section, findings);
  for (const [name, value] of declared ?? []) {
    const members = membersOf(value, findings);
    if (members === undefined) continue;
    const type = members.get("Type");
    if (type?.node.kind !== "string" || type.node.value !== "String") {
      findings.error(type ?? value, `The parameter "${name}" needs "Type": "String".`, "No other type exists.");
    }
    for (const [key, member] of members) {
      if (key === "Type" || key === "Default") continue;
      findings.warning({ ...member, at: member.keyAt }, `"${key}" has no effect in a parameter.`, "Remove it.");
    }
    const fallback = members.get("Default");
    parameters.set(name, { name, defaultValue: fallback === undefined ? undefined : literalText(fallback, findings) });
  }
  return parameters;
}

function readMappings(section: Located | undefined, findings: Findings): ReadonlyMap<string, Mapping> {
  const mappings = new Map<string, Mapping>();
  for (const [name, map] of (section && membersOf(section, findings)) ?? []) {
    const rows = new Map<string, ReadonlyMap<string, string | readonly string[]>>();
    for (const [firstKey, row] of membersOf(map, findings) ?? []) {
      const cells = new Map<string, string | readonly string[]>();
      for (const [secondKey, cell] of membersOf(row, findings) ?? []) {
        const value = readCell(cell, findings);
        if (value !== undefined) cells.set(secondKey, value);
      }
      rows.set(firstKey, cells);
    }
    mappings.set(name, rows);
  }
  return mappings;
}

function readCell(cell: Located, findings: Findings): string | readonly string[] | undefined {
  const { node } = cell;
  if (node.kind === "string") return node.value;
  if (node.kind === "array") {
    const texts = node.items.flatMap((item) => (item.kind === "string" ? [item.value] : []));
    if (texts.length === node.items.length) return texts;
  }
  const found = `A mapping holds text at its second level, not ${describeNode(node)}.`;
  return findings.error(cell, found, "Functions and deeper levels are not possible in Mappings.");
}

function readDeviceConfiguration(section: Located | undefined, reading: Reading): ReadonlyMap<string, Expression> {
  const configuration = new Map<string, Expression>();
  for (const [key, value] of (section && membersOf(section, reading.findings)) ?? []) {
    const expression = readExpression(value, reading);
    if (expression === undefined) continue;
    if (expression.kind === "object" || expression.kind === "list" || expression.kind === "scalar") {
      const found = `DeviceConfiguration is flat: "${key}" must be text or a function, not ${describeNode(value.node)}.`;
      reading.findings.error(value, found, "Write one key per value.");
    } else configuration.set(key, expression);
  }
  return configuration;
}

interface Declared {
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly resources: ReadResources;
}

/** AWS accepts references to what is not declared, and its own examples make use of it: they are resolved at run time. */
function checkReferences(reading: Reading, { parameters, mappings, resources }: Declared): void {
  const { thing, certificate, policies } = resources;
  const logical = new Set([thing, certificate, ...policies].map((resource) => resource?.logicalName));
  for (const { name, spot } of reading.references) {
    if (name === CERTIFICATE_ID_PARAMETER || parameters.has(name) || logical.has(name)) continue;
    if (/^(iot|aws):/.test(name)) {
      const remedy = `Write \${!${name}} inside Fn::Sub, or use plain text.`;
      reading.findings.error(spot, `"${name}" is a policy variable, not a parameter.`, remedy);
    } else {
      const found = `"${name}" is not declared under Parameters; devices that do not send it are refused.`;
      reading.findings.warning(spot, found, `Declare it: "${name}": {"Type": "String"}.`);
    }
  }
  for (const { name, spot } of reading.maps) {
    if (mappings.has(name)) continue;
    reading.findings.error(spot, `There is no mapping "${name}".`, "Declare it under Mappings.");
  }
}

import { COMMON_ERRORS, OPERATION_NAMES, type Operation, operations } from "@fleetmint/wire/v1";
import { z } from "zod";
import { markdownTable } from "./markdown-table.ts";

/** As much of a JSON Schema as our own schemas use. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** Every operation of the administration API, from the table that server and client are made of. */
export function apiPage(): string {
  const shapes = new Map<string, Schema>();
  const sections = OPERATION_NAMES.map((name) => operationSection(name, operations[name], shapes));
  const named = [...shapes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, schema]) => shapeSection(name, schema));
  return `${INTRODUCTION}\n${sections.join("\n")}\n## Shapes\n\n${named.join("\n")}`;
}

const INTRODUCTION = `# Administration API

HTTPS on \`--http-port\` (8443), with the installation's own certificate: trust \`ca.pem\` of the data folder. Every request carries
\`Authorization: Bearer TOKEN\`; the first token lies in \`admin.json\` of the data folder. Requests and answers are JSON; times are
ISO 8601 in UTC. Unknown fields are refused. \`packages/sdk\` is the typed client, and the command line uses nothing else.

A refusal is a problem document (RFC 9457) with \`code\`, one of the [reason codes](reason-codes.md), and \`remedy\`. Every operation may
answer ${COMMON_ERRORS.map((code) => `\`${code}\``).join(", ")}.

This page is generated from \`packages/wire/src/v1\` by \`npm run docs\`.
`;

function operationSection(name: string, operation: Operation, shapes: Map<string, Schema>): string {
  const { method, path, summary, description, params, query, body, response, lines, errors } = operation;
  const fields = [
    ...fieldRows("path", params, shapes),
    ...fieldRows("query", query, shapes),
    ...fieldRows("body", body, shapes),
  ];
  const takes = fields.length === 0 ? "" : `\n${markdownTable(["takes", "in", "type", "meaning"], fields)}\n`;
  const answer = shapeOf(response, "output", shapes);
  const answers = lines === true ? `Answers lines (NDJSON) of ${answer}.` : `Answers ${answer}.`;
  const refusals = errors.length === 0 ? "" : ` Refuses with ${errors.map((code) => `\`${code}\``).join(", ")}.`;
  return `## ${name}\n\n\`${method} ${path}\`: ${summary}. ${description}\n${takes}\n${answers}${refusals}\n`;
}

function fieldRows(place: string, schema: z.ZodObject | undefined, shapes: Map<string, Schema>): string[][] {
  if (schema === undefined) return [];
  return rowsOf(jsonSchema(schema, "input", shapes)).map(([field, type, meaning]) => [field!, place, type!, meaning!]);
}

/** Name, type and meaning of each field. */
function rowsOf({ properties = {}, required = [] }: Schema): string[][] {
  return Object.entries(properties).map(([name, schema]) => {
    const fallback = schema.default === undefined ? "" : ` Default ${JSON.stringify(schema.default)}.`;
    const optional = required.includes(name) || schema.default !== undefined ? "" : ", optional";
    return [`\`${name}\``, typeName(schema) + optional, `${schema.description ?? ""}${fallback}`.trim()];
  });
}

function shapeSection(name: string, schema: Schema): string {
  const about = schema.description === undefined ? "" : `\n${schema.description}\n`;
  const rows = rowsOf(schema);
  const variants = schema.oneOf ?? schema.anyOf ?? [];
  const table = rows.length > 0 ? `\n${markdownTable(["field", "type", "meaning"], rows)}\n` : "";
  const list = variants.map(
    (variant) => `- ${typeName(variant)}${variant.description ? `: ${variant.description}` : ""}`,
  );
  return `### ${name}\n${about}${table}${list.length > 0 ? `\n${list.join("\n")}\n` : ""}`;
}

function shapeOf(schema: z.ZodType, io: "input" | "output", shapes: Map<string, Schema>): string {
  const json = jsonSchema(schema, io, shapes);
  if (json.description !== undefined && Object.keys(json.properties ?? {}).length === 0 && json.$ref === undefined)
    return json.description.charAt(0).toLowerCase() + json.description.slice(1).replace(/\.$/, "");
  return typeName(json);
}

function jsonSchema(schema: z.ZodType, io: "input" | "output", shapes: Map<string, Schema>): Schema {
  const { $defs = {}, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Schema;
  for (const [name, shape] of Object.entries($defs)) if (!shapes.has(name)) shapes.set(name, shape);
  return json;
}

function typeName(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return [...new Set(variants.map(typeName))].join(" or ");
  if (schema.type === "array") return `list of ${typeName(schema.items ?? {})}`;
  if (schema.type === "object") return objectName(schema);
  return [schema.type ?? "any"]
    .flat()
    .map((type) => (type === "string" ? "text" : type))
    .join(" or ");
}

function objectName({ properties, additionalProperties }: Schema): string {
  if (properties !== undefined && Object.keys(properties).length > 0) {
    const fields = Object.entries(properties).map(([name, schema]) => `\`${name}\` (${typeName(schema)})`);
    return `an object of ${fields.join(", ")}`;
  }
  return typeof additionalProperties === "object" ? `map of ${typeName(additionalProperties)}` : "object";
}

import type { Operation } from "@fleetmint/wire/v1";
import type { z } from "zod";
import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import { RouteFault } from "./problem.ts";

/** A request's parts, each checked by the operation's schemas; a fault names the field and repeats no value. */
export interface CheckedRequest {
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export async function readRequest(
  operation: Operation,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<CheckedRequest> {
  return {
    params: check("path", operation.params, params),
    query: check("query", operation.query, queryOf(request)),
    body: check("body", operation.body, operation.body === undefined ? {} : await bodyOf(request)),
  };
}

function check(place: string, schema: z.ZodObject | undefined, value: unknown): Readonly<Record<string, unknown>> {
  if (schema === undefined) {
    const extra = Object.keys(value as object)[0];
    if (extra === undefined) return {};
    throw new Fault("request_invalid", `${place}: there is no field "${shorten(extra)}" here.`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Fault(
    "request_invalid",
    result.error.issues
      .slice(0, 3)
      .map((issue) => sentence(place, issue))
      .join(" "),
  );
}

function sentence(place: string, issue: z.core.$ZodIssue): string {
  const path = shorten([place, ...issue.path.map(String)].join("."));
  if (issue.code === "unrecognized_keys") return `${path}: there is no field "${shorten(issue.keys[0] ?? "")}" here.`;
  if (issue.code === "invalid_union" && issue.discriminator !== undefined) return `${path}: names no known kind.`;
  if (issue.message.endsWith("received undefined")) return `${path}: is missing.`;
  return `${path}: ${issue.message}.`;
}

/** Field names come from the caller: bounded, and without control characters that could forge a log line. */
function shorten(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  const safe = text.replaceAll(/[\u0000-\u001f\u007f]/g, "?");
  return safe.length > 80 ? `${safe.slice(0, 80)}…` : safe;
}

function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URL(request.url).searchParams) {
    // Which of two values counts is where front ends and checkers disagree.
    if (name in query) throw new Fault("request_invalid", `query.${shorten(name)}: is given twice.`);
    query[name] = value;
  }
  return { ...query };
}

async function bodyOf(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new RouteFault(415, "The body must be JSON with the header content-type: application/json.");
  }
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message repeats what it met, which may be a secret.
    throw new Fault("request_invalid", "body: is not JSON.");
  }
}

async function readText(request: Request): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > LIMITS.adminBodyBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > LIMITS.adminBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Fault("request_invalid", "body: is not UTF-8.");
  }
}

function tooLarge(): RouteFault {
  return new RouteFault(
    413,
    `The body has more than ${LIMITS.adminBodyBytes / 2 ** 20} MiB; send it in several requests.`,
  );
}

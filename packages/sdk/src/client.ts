import {
  type Input,
  OPERATION_NAMES,
  type Operation,
  type OperationName,
  type Operations,
  type Output,
  operations,
  problem,
} from "@fleetmint/wire/v1";
import { connectionError, FleetmintError } from "./errors.ts";
import { readLines } from "./read-lines.ts";
import { type ClientOptions, createTransport, type Transport } from "./transport.ts";

/** What an operation resolves with: its documented value, or the lines of a stream. */
export type Answer<Name extends OperationName> = Operations[Name] extends { readonly lines: true }
  ? AsyncIterable<string>
  : Output<Name>;

/** Nothing needs to be passed where every field is optional. */
type Arguments<Name extends OperationName> =
  Record<never, never> extends Input<Name> ? [input?: Input<Name>] : [input: Input<Name>];

/** One method for each operation of the administration API, by the operation's name; path, query and body fields side by side. */
export type Client = {
  readonly [Name in OperationName]: (...input: Arguments<Name>) => Promise<Answer<Name>>;
} & AsyncDisposable & {
    /** Ends idle connections; requests under way finish first. */
    close(): Promise<void>;
  };

/**
 * A typed client of the administration API. It pins the installation's own CA, follows no redirect, and turns every
 * refusal into a {@link FleetmintError} with the server's reason code and remedy.
 *
 * @example
 * ```ts
 * import { createClient, items } from "@fleetmint/sdk";
 *
 * await using client = createClient({ url, token, caFile });
 * await client.createGroup({ groupName: "line-2" });
 * for await (const thing of items(client.listThings, { group: "line-2" })) {
 *   console.log(thing.thingName, thing.status);
 * }
 * ```
 */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options);
  const methods = OPERATION_NAMES.map((name) => [
    name,
    (input: Readonly<Record<string, unknown>> = {}) => call({ transport, token: options.token }, name, input),
  ]);
  const close = () => transport.close();
  return { ...Object.fromEntries(methods), close, [Symbol.asyncDispose]: close };
}

interface Session {
  readonly transport: Transport;
  readonly token: string;
}

async function call(session: Session, name: OperationName, input: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { origin } = session.transport;
  const operation: Operation = operations[name];
  const request = requestOf(session, operation, input);
  const response = await session.transport.send(request).catch((cause: unknown) => {
    throw connectionError(origin, cause);
  });
  if (!response.ok) throw await refusalOf(response, origin);
  if (operation.lines === true) return readLines(response);
  return readJson(response, origin);
}

function requestOf(
  { transport, token }: Session,
  operation: Operation,
  input: Readonly<Record<string, unknown>>,
): Request {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, field: string) => pathField(operation, field, input[field]));
  const url = new URL(path, transport.origin);
  const fields = new Map(Object.entries(input).filter(([, value]) => value !== undefined));
  for (const field of Object.keys(operation.params?.shape ?? {})) fields.delete(field);
  for (const field of Object.keys(operation.query?.shape ?? {})) {
    if (fields.has(field)) url.searchParams.set(field, String(fields.get(field)));
    fields.delete(field);
  }
  // What is left belongs to the body, misspelt fields too: the server names them.
  const headers = new Headers({
    authorization: `Bearer ${token}`,
    accept: "application/json, application/problem+json",
  });
  if (operation.body === undefined) return new Request(url, { method: operation.method, headers });
  headers.set("content-type", "application/json");
  return new Request(url, { method: operation.method, headers, body: JSON.stringify(Object.fromEntries(fields)) });
}

function pathField(operation: Operation, field: string, value: unknown): string {
  // An empty or dotted segment would name another path than the one meant.
  if (typeof value === "string" && value !== "" && value !== "." && value !== "..") return encodeURIComponent(value);
  throw new FleetmintError({
    code: "input_invalid",
    status: 0,
    detail: `${field} must be a name or id to ${operation.summary.toLowerCase()}.`,
    remedy: "Pass it; the list operations show what exists.",
  });
}

async function refusalOf(response: Response, origin: string): Promise<FleetmintError> {
  const text = await response.text().catch(() => "");
  const details = problem.safeParse(parse(text));
  if (details.success) return new FleetmintError(details.data);
  return notFleetmint(origin, response.status);
}

async function readJson(response: Response, origin: string): Promise<unknown> {
  const value = parse(
    await response.text().catch((cause: unknown) => {
      throw connectionError(origin, cause);
    }),
  );
  if (value === undefined) throw notFleetmint(origin, response.status);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notFleetmint(origin: string, status: number): FleetmintError {
  return new FleetmintError({
    code: "answer_invalid",
    status,
    detail: `Whoever answers at ${origin} is no Fleetmint server of this version (HTTP ${status}).`,
    remedy: "Check the address and what lies between; `--server` wants the HTTPS port that `fleetmint serve` prints.",
  });
}

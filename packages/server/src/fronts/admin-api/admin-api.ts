import { OPERATION_NAMES, type OperationName, operations } from "@fleetmint/wire/v1";
import { type Context, Hono } from "hono";
import { authenticate } from "../../access/credential.ts";
import { requirePermission } from "../../access/permissions.ts";
import { HANDLERS } from "./handlers.ts";
import { createHttpsListener, type HttpsListener, type TlsIdentity } from "./https-listener.ts";
import type { Actor, AdminPorts } from "./ports.ts";
import { problemResponse, RouteFault } from "./problem.ts";
import { readRequest } from "./read-request.ts";
import { respond } from "./respond.ts";

export interface AdminApiSettings {
  /** The server's certificate chain and key, PEM. */
  readonly tls: TlsIdentity;
}

/** The administration API: `fetch` answers a request in process; `listen` serves it over HTTPS. */
export interface AdminApi extends HttpsListener {
  fetch(request: Request): Promise<Response>;
}

export function createAdminApi(ports: AdminPorts, settings: AdminApiSettings): AdminApi {
  const app = createApp(ports);
  const fetch = async (request: Request): Promise<Response> => app.fetch(request);
  return { fetch, ...createHttpsListener(fetch, settings.tls, ports.clock) };
}

function createApp(ports: AdminPorts): Hono {
  const app = new Hono();
  app.onError((error) => problemResponse(ports, error));
  app.notFound((context) => refuseRoute(ports, context));
  app.use(async (context, next) => {
    await next();
    // Answers carry names, keys and tokens: nothing on the way may keep them or guess their type.
    context.res.headers.set("cache-control", "no-store");
    context.res.headers.set("x-content-type-options", "nosniff");
  });
  app.get("/healthz", (context) => context.json({ ok: true }));
  app.get("/readyz", (context) => context.json({ ok: ports.isReady() }, ports.isReady() ? 200 : 503));
  for (const name of OPERATION_NAMES) addOperation(app, ports, name);
  return app;
}

function addOperation(app: Hono, ports: AdminPorts, name: OperationName): void {
  const operation = operations[name];
  // One signature for all: the table's own type has tied each handler to its operation's schemas.
  const handle = HANDLERS[name] as (ports: AdminPorts, call: object) => Promise<unknown>;
  app.on(operation.method, operation.path.replaceAll(/\{(\w+)\}/g, ":$1"), async (context) => {
    const actor = await authorize(ports, context, name);
    const request = await readRequest(operation, context.req.raw, context.req.param());
    return respond(ports, operation, await handle(ports, { ...request, actor }));
  });
}

/** Before anything of the body is read. */
async function authorize(ports: AdminPorts, context: Context, operation: OperationName | undefined): Promise<Actor> {
  const token = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(context.req.header("authorization") ?? "")?.[1];
  const credential = await authenticate(ports.accounts, token);
  if (operation !== undefined) requirePermission(credential, operation);
  return { kind: "account", accountId: credential.accountId };
}

/** A stranger learns nothing about routes; someone with a credential is told what is wrong with this one. */
async function refuseRoute(ports: AdminPorts, context: Context): Promise<Response> {
  try {
    await authorize(ports, context, undefined);
    const allowed = methodsOf(context.req.path);
    const route = `${context.req.method} ${context.req.path.slice(0, 200)}`;
    if (allowed.length === 0) throw new RouteFault(404, `There is no operation ${route}.`);
    throw new RouteFault(405, `There is no ${route}; this path knows ${allowed.join(", ")}.`, {
      allow: allowed.join(", "),
    });
  } catch (error) {
    return problemResponse(ports, error);
  }
}

function methodsOf(path: string): string[] {
  const matching = OPERATION_NAMES.filter((name) => matches(operations[name].path, path));
  return [...new Set(matching.map((name) => operations[name].method))];
}

function matches(template: string, path: string): boolean {
  const pattern = template.split("/");
  const parts = path.split("/");
  return (
    pattern.length === parts.length && pattern.every((part, index) => part.startsWith("{") || part === parts[index])
  );
}

// The one way this server calls out (hooks; webhooks and connectors alike): HTTPS to public addresses, one request on one
// connection, with a bound on everything. The URL often comes from somebody who may configure a template but may not
// reach our network (server-side request forgery), so an address is judged three times: as a literal in the URL, as each
// answer of the resolver, and as what the socket is really connected to. A guard in the resolver alone lets every literal
// through (127.0.0.1, 0x7f.1, ::ffff:127.0.0.1, …). No redirects, no proxies, no connection that outlives its check.
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Client, type Dispatcher } from "undici";
import { type Clock, systemClock } from "./clock.ts";
import {
  type AddressRules,
  addressRules,
  guardedLookup,
  isLoopback,
  type Resolve,
  systemResolve,
} from "./egress-address.ts";
import { classifyEgressError, EgressError } from "./egress-error.ts";

export interface EgressSettings {
  /** CIDRs an operator opens on purpose, for example the factory's own network. */
  readonly allowPrivateNetworks?: readonly string[];
  /** For development: plain HTTP to this machine itself. */
  readonly allowHttpLoopback?: boolean;
  /** PEM of CAs to trust instead of the well-known ones. */
  readonly ca?: string;
  readonly clock?: Clock;
  readonly resolve?: Resolve;
}

export interface PostRequest {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For everything together: name, connection, TLS, request, answer. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal;
}

export interface EgressAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  /** Lower-case names; repeated headers are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Egress {
  /** Throws an EgressError if the URL could never be called, whatever the network says. Looks nothing up. */
  checkUrl(url: string): URL;
  /** Resolves with any status but a redirect; see `requireSuccess`. */
  postJson(request: PostRequest): Promise<EgressAnswer>;
}

/** @throws Fault request_invalid if a network in the settings is not a CIDR. */
export function createEgress(settings: EgressSettings = {}): Egress {
  const context: Context = {
    rules: addressRules(settings.allowPrivateNetworks ?? [], "allowPrivateNetworks"),
    allowHttpLoopback: settings.allowHttpLoopback ?? false,
    ca: settings.ca,
    clock: settings.clock ?? systemClock,
    resolve: settings.resolve ?? systemResolve,
  };
  return {
    checkUrl: (url) => checkUrl(context, url),
    postJson: (request) => postJson(context, request),
  };
}

/** For callers to whom only 2xx is an answer. */
export function requireSuccess(answer: EgressAnswer): EgressAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new EgressError("status", `The server answered with HTTP status ${answer.status}.`);
}

interface Context {
  readonly rules: AddressRules;
  readonly allowHttpLoopback: boolean;
  readonly ca: string | undefined;
  readonly clock: Clock;
  readonly resolve: Resolve;
}

const URL_CHARACTERS = 2048;
const ANSWER_HEADER_BYTES = 16 * 1024;
/** Below 1024 only HTTPS's own port: the others are other protocols' (mail, shells), which must not be talked to by proxy. */
const FIRST_FREE_PORT = 1024;

function checkUrl(context: Context, text: string): URL {
  if (text.length > URL_CHARACTERS) throw refused(`A URL has at most ${URL_CHARACTERS} characters.`);
  const url = URL.parse(text);
  if (url === null) throw refused("This is not a URL; write it as https://host/path.");
  if (url.username !== "" || url.password !== "") throw refused("A URL must not carry a user name or password.");
  const host = bareHost(url);
  const developerHttp = url.protocol === "http:" && context.allowHttpLoopback && isLoopbackName(host);
  if (url.protocol !== "https:" && !developerHttp) throw refused(`${url.protocol}//${url.host} is not HTTPS.`);
  checkPort(url);
  const refusal = isIP(host) === 0 ? undefined : judge(context, url, host);
  if (refusal !== undefined) throw refusal;
  return url;
}

function checkPort(url: URL): void {
  const port = portOf(url);
  if (port === 443 || port >= FIRST_FREE_PORT) return;
  throw refused(`Port ${port} belongs to another protocol; use 443, or ${FIRST_FREE_PORT} and above.`);
}

/** The URL parser has brought every spelling (decimal, octal, full-width digits) into the one form that is judged here. */
function judge(context: Context, url: URL, address: string): EgressError | undefined {
  if (url.protocol === "http:") {
    return isLoopback(address)
      ? undefined
      : refused(`${url.host} is ${address}; plain HTTP goes to this machine only.`);
  }
  if (context.rules.allows(address)) return undefined;
  const remedy = "allow its network in the settings if it should be called";
  return refused(`${url.hostname} is ${address}, which is not a public address; ${remedy}.`);
}

async function postJson(context: Context, request: PostRequest): Promise<EgressAnswer> {
  const url = checkUrl(context, request.url);
  using deadline = startDeadline(context.clock, request);
  const sockets = new Set<Socket>();
  const client = new Client(url.origin, {
    // The deadline above is the only timer: undici's own would start anew for each phase.
    bodyTimeout: 0,
    headersTimeout: 0,
    maxHeaderSize: ANSWER_HEADER_BYTES,
    pipelining: 0,
    connect: (_options, callback) => openSocket(context, url, sockets, callback),
  });
  try {
    return await deadline.race(exchange(client, url, request, deadline.signal));
  } catch (error) {
    throw classifyEgressError(error, url.host);
  } finally {
    for (const socket of sockets) socket.destroy();
    // Not awaited: a client whose connection hangs in a lookup would keep us past the deadline.
    client.destroy().catch(() => undefined);
  }
}

async function exchange(client: Client, url: URL, request: PostRequest, signal: AbortSignal): Promise<EgressAnswer> {
  const response = await client.request({
    method: "POST",
    path: url.pathname + url.search,
    headers: { accept: "application/json", ...request.headers, "content-type": "application/json" },
    body: request.body,
    signal,
  });
  response.body.on("error", () => undefined);
  if (response.statusCode >= 300 && response.statusCode < 400) {
    throw new EgressError(
      "redirect",
      `${url.host} answered with a redirect (${response.statusCode}), and none is followed.`,
    );
  }
  const body = await readBounded(response, request.maxAnswerBytes, url.host);
  return { status: response.statusCode, body, headers: flatten(response.headers) };
}

async function readBounded(response: Dispatcher.ResponseData, limit: number, host: string): Promise<Uint8Array> {
  const tooLarge = () => new EgressError("too-large", `${host} answered with more than ${limit} bytes.`);
  if (Number(response.headers["content-length"] ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    total += chunk.length;
    if (total > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Connected = (...result: [error: Error, socket: null] | [error: null, socket: Socket]) => void;

function openSocket(context: Context, url: URL, sockets: Set<Socket>, callback: Connected): void {
  const host = bareHost(url);
  const judgeAddress = (address: string) => judge(context, url, address);
  const target = { host, port: portOf(url), lookup: guardedLookup(context.resolve, judgeAddress, host) };
  const secure = url.protocol === "https:";
  const socket: Socket = secure
    ? connectTls({
        ...target,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...trust(context),
        ALPNProtocols: ["http/1.1"],
      })
    : connectTcp(target);
  sockets.add(socket);
  socket.once("error", (error) => callback(error, null));
  socket.once(secure ? "secureConnect" : "connect", () => {
    const refusal = judgeAddress(socket.remoteAddress ?? "");
    if (refusal !== undefined) socket.destroy();
    if (refusal === undefined) callback(null, socket);
    else callback(refusal, null);
  });
}

function trust(context: Context): { minVersion: "TLSv1.2"; ca?: string } {
  return { minVersion: "TLSv1.2", ...(context.ca === undefined ? {} : { ca: context.ca }) };
}

interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Settles with the deadline even where the work below does not listen to the signal, as a lookup does not. */
  race<T>(work: Promise<T>): Promise<T>;
}

function startDeadline(clock: Clock, request: PostRequest): Deadline {
  const controller = new AbortController();
  const expire = () =>
    controller.abort(new EgressError("timeout", `There was no complete answer within ${request.timeoutMs} ms.`));
  const cancelTimer = clock.after(request.timeoutMs, expire);
  const abort = () => controller.abort(new EgressError("timeout", "The caller gave up waiting."));
  request.signal?.addEventListener("abort", abort, { once: true });
  if (request.signal?.aborted === true) abort();
  const expired = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason), { once: true });
    if (controller.signal.aborted) reject(controller.signal.reason);
  });
  expired.catch(() => undefined);
  return {
    signal: controller.signal,
    race: (work) => {
      work.catch(() => undefined);
      return Promise.race([expired, work]);
    },
    [Symbol.dispose]: () => {
      cancelTimer();
      request.signal?.removeEventListener("abort", abort);
    },
  };
}

function flatten(headers: Dispatcher.ResponseData["headers"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}

const refused = (sentence: string) => new EgressError("refused-address", sentence);
const bareHost = (url: URL) => url.hostname.replace(/^\[(.*)\]$/, "$1");
const portOf = (url: URL) => (url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port));
const isLoopbackName = (host: string) => host === "localhost" || isLoopback(host);

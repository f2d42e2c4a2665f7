import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { Agent, request as undiciRequest } from "undici";
import { FleetmintError } from "./errors.ts";

export interface ClientOptions {
  /** Origin of the server: `https://fleet.example:8443`. */
  readonly url: string;
  /** `fmt_…`; sent only to a server that proved itself under the CA. */
  readonly token: string;
  /** The installation's CA, PEM. Without `ca` and `caFile` the system's own list decides. */
  readonly ca?: string;
  /** A file that holds it. */
  readonly caFile?: string;
  /** The name that the server's certificate must carry, where it differs from the host in `url`. */
  readonly serverName?: string;
  /** Milliseconds until an answer must have begun; a minute unless told. */
  readonly timeoutMs?: number;
  /** Replaces the network, for tests and for programs that bring their own. `ca` and `serverName` are then its business. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

export interface Transport {
  readonly origin: string;
  send(request: Request): Promise<Response>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 60_000;

export function createTransport(options: ClientOptions): Transport {
  const origin = originOf(options.url);
  if (options.fetch !== undefined) return { origin, send: options.fetch, close: async () => {} };
  const agent = new Agent({
    headersTimeout: options.timeoutMs ?? TIMEOUT_MS,
    bodyTimeout: options.timeoutMs ?? TIMEOUT_MS,
    connect: {
      ...caOf(options),
      ...(options.serverName !== undefined && { servername: options.serverName }),
      timeout: 10_000,
    },
  });
  return {
    origin,
    // Not `fetch`, which refuses some ports, and which would follow redirects: the token must not travel to where a server points.
    async send(request) {
      const answer = await undiciRequest(request.url, {
        dispatcher: agent,
        method: request.method as "GET",
        headers: Object.fromEntries(request.headers),
        ...(request.body !== null && { body: await request.text() }),
      });
      const headers = new Headers();
      for (const [name, value] of Object.entries(answer.headers)) headers.set(name, String(value));
      return new Response(Readable.toWeb(answer.body) as ReadableStream, { status: answer.statusCode, headers });
    },
    close: () => agent.close(),
  };
}

function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "https:" && parsed.pathname === "/" && parsed.username === "") return parsed.origin;
  throw wrong(`"${url}" is not the address of a server.`, "Write it as https://HOST:PORT; plain http is never used.");
}

function caOf({ ca, caFile }: ClientOptions): { ca?: string } {
  if (ca !== undefined) return { ca };
  if (caFile === undefined) return {};
  try {
    return { ca: readFileSync(caFile, "utf8") };
  } catch (cause) {
    throw wrong(`The CA file ${caFile} cannot be read.`, "Copy ca.pem from the server's data folder.", cause);
  }
}

function wrong(detail: string, remedy: string, cause?: unknown): FleetmintError {
  return new FleetmintError({ code: "input_invalid", status: 0, detail, remedy }, { cause });
}

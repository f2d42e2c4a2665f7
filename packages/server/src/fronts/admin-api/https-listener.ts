import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Clock } from "../../kit/clock.ts";

/** PEM: the certificate with its chain, and its key. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface HttpsListener {
  /** Resolves with the port once connections are accepted; port 0 takes a free one. */
  listen(port: number, host: string): Promise<number>;
  /** New connections get this certificate; those that live keep theirs. */
  replaceCertificate(tls: TlsIdentity): void;
  /** Accepts nothing more, lets requests under way finish for a while, then cuts. */
  close(): Promise<void>;
}

/** Slow or idle peers are gone by then; nobody is authenticated before a whole header has come. */
const HEADERS_TIMEOUT_MS = 10_000;
/** A body of LIMITS.adminBodyBytes at 140 KB/s. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 30_000;
const CONNECTIONS = 512;
const CLOSE_TIMEOUT_MS = 5_000;

export function createHttpsListener(
  fetch: (request: Request) => Promise<Response>,
  tls: TlsIdentity,
  clock: Clock,
): HttpsListener {
  const server = createServer(
    {
      ...secureContext(tls),
      handshakeTimeout: HEADERS_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    getRequestListener(fetch, { overrideGlobalObjects: false }),
  );
  server.maxConnections = CONNECTIONS;
  const handshakes = watchHandshakes(server);
  return {
    listen: (port, host) => listen(server, port, host),
    replaceCertificate: (replacement) => server.setSecureContext(secureContext(replacement)),
    close: () => close(server, handshakes, clock),
  };
}

function secureContext({ certificate, privateKey }: TlsIdentity) {
  return { cert: certificate, key: privateKey, minVersion: "TLSv1.2" } as const;
}

function listen(server: Server, port: number, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", reject);
  server.listen({ port, host }, () => {
    server.off("error", reject);
    resolve((server.address() as AddressInfo).port);
  });
  return promise;
}

/** Sockets that have not finished their TLS handshake, which Node's own ways to close connections do not know. */
function watchHandshakes(server: Server): ReadonlyMap<string, Socket> {
  const handshakes = new Map<string, Socket>();
  const nameOf = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`;
  // Node's types leave open what carries the TLS; here it is always TCP.
  server.on("connection", (carrier) => {
    const raw = carrier as Socket;
    const name = nameOf(raw);
    handshakes.set(name, raw);
    raw.once("close", () => handshakes.get(name) === raw && handshakes.delete(name));
  });
  server.on("secureConnection", (socket) => handshakes.delete(nameOf(socket as Socket)));
  return handshakes;
}

async function close(server: Server, handshakes: ReadonlyMap<string, Socket>, clock: Clock): Promise<void> {
  if (!server.listening) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  for (const raw of handshakes.values()) raw.destroy();
  server.closeIdleConnections();
  const cancel = clock.after(CLOSE_TIMEOUT_MS, () => server.closeAllConnections());
  await promise;
  cancel();
}

// What an idle connection costs in memory, against a bare TLS server that holds the same connections of the same clients. Both
// collect garbage before they are looked at: what is asked is what is held, not how lazily V8 cleans up.
import type { Credentials, Target } from "@fleetmint/testkit";
import type { BareTlsCalls } from "./bare-tls-server.ts";
import { type Calls, type Child, startChild } from "./child-process.ts";
import { serveInstallation } from "./installation.ts";
import type { Load } from "./load.ts";
import type { PeerCertificates } from "./peer-certificates.ts";

export interface IdleMemory {
  /** Bytes of resident memory for each connection. */
  readonly fleetmint: number;
  readonly bareTls: number;
}

export interface IdleRequest {
  readonly folder: string;
  readonly flags: readonly string[];
  readonly connections: number;
  readonly device: Credentials;
  readonly certificates: PeerCertificates;
}

/** Connections made and ended before anything is counted, so that code and caches are there. */
const WARM_UP = 100;

/** Measures each in a process that has done nothing else. */
export async function measureIdleMemory(load: Load, request: IdleRequest): Promise<IdleMemory> {
  return { fleetmint: await ofFleetmint(load, request), bareTls: await ofBareTls(load, request) };
}

async function ofFleetmint(load: Load, { folder, flags, connections, device }: IdleRequest): Promise<number> {
  await using installation = await serveInstallation(folder, flags);
  // Awaited here: the server ends with this function.
  return await growth(load, installation.child, { target: installation.target, credentials: device, connections });
}

async function ofBareTls(load: Load, { flags, connections, certificates }: IdleRequest): Promise<number> {
  const program = new URL("./bare-tls-server.ts", import.meta.url);
  await using child = await startChild<BareTlsCalls>({ program, flags });
  const { server, client, rootPem } = certificates;
  const port = await child.call("listen", { key: server.privateKeyPem, cert: server.certificatePem });
  const target = { host: "127.0.0.1", port, caPem: rootPem };
  return await growth(load, child, { target, credentials: client, connections });
}

async function growth(
  load: Load,
  server: Child<Calls>,
  held: { readonly target: Target; readonly credentials: Credentials; readonly connections: number },
): Promise<number> {
  const { target, credentials, connections } = held;
  await load.connect(target, credentials, WARM_UP);
  const before = await residentBytes(server);
  await load.hold(target, credentials, connections);
  const after = await residentBytes(server);
  await load.release();
  return (after - before) / connections;
}

async function residentBytes(server: Child<Calls>): Promise<number> {
  await server.collectGarbage();
  return (await server.usage()).rssBytes;
}

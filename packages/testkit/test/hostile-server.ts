// A server in a process of its own, so that its memory is its own: Fleetmint with a clock that the parent moves, or a bare TLS server
// to compare it with. Commands come and answers go over the channel that `fork` opens.
import { constants } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { applySimpleTemplate, type Credentials, createClaim, provision, selfSigned, startWorld } from "../src/index.ts";

export interface Ready {
  readonly port: number;
  readonly caPem: string;
  /** A device that policies let do everything, and one that keeps to its own topics; none for the bare server. */
  readonly mighty?: Credentials;
  readonly good?: Credentials;
}

export type Command =
  | { readonly do: "advance"; readonly byMs: number }
  | { readonly do: "memory" }
  | { readonly do: "sockets" }
  | { readonly do: "nothing" };

export interface Memory {
  readonly rss: number;
  /** Memory of buffers, JavaScript's own heap not counted. */
  readonly arrayBuffers: number;
  readonly heapUsed: number;
}

const ALL = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] };

if (process.argv[2] === "fleetmint") await serveFleetmint();
else if (process.argv[2] === "bare") await serveBare();

async function serveFleetmint(): Promise<void> {
  const world = await startWorld();
  await applySimpleTemplate(world);
  await world.admin.applyPolicy({ policyName: "all", document: JSON.stringify(ALL) });
  const claim = await createClaim(world);
  const device = (serial: string) =>
    provision(world.target, claim, { clientId: serial, template: "simple", parameters: { SerialNumber: serial } });
  const [good, mighty] = [await device("good"), await device("mighty")];
  await world.admin.attachPolicy({ policyName: "all", target: { kind: "thing", id: "dev-mighty" } });
  answer(async (command) => {
    if (command.do === "advance") world.clock.advance(command.byMs);
    if (command.do === "memory") return memory();
    if (command.do === "sockets") return sockets();
    return null;
  });
  ready({ port: world.target.port, caPem: world.target.caPem, good, mighty });
}

/** TLS as Fleetmint speaks it, and nobody who listens. */
async function serveBare(): Promise<void> {
  const { certificatePem: cert, privateKeyPem: key } = await selfSigned("bare");
  const secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
  const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false, ca: [], secureOptions });
  server.on("secureConnection", (socket) => socket.on("data", () => {}).on("error", () => {}));
  server.listen(0, "127.0.0.1", () => {
    answer(async (command) => {
      if (command.do === "memory") return memory();
      return command.do === "sockets" ? sockets() : null;
    });
    ready({ port: (server.address() as AddressInfo).port, caPem: cert });
  });
}

function ready(message: Ready): void {
  process.send?.(message);
}

function answer(act: (command: Command) => Promise<unknown>): void {
  process.on("message", async ({ id, command }: { id: number; command: Command }) => {
    process.send?.({ id, result: await act(command) });
  });
  process.on("disconnect", () => process.exit());
}

/** TCP connections that this process holds. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}

function memory(): Memory {
  // Twice: the first finds what the second may free.
  for (let pass = 0; pass < 2; pass++) globalThis.gc?.();
  const { rss, arrayBuffers, heapUsed } = process.memoryUsage();
  return { rss, arrayBuffers, heapUsed };
}

import { spawn } from "node:child_process";
import { Duplex, type Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { AgentFault, type FaultReport } from "../agent-fault.ts";
import type { TrustedTime } from "../identity/trusted-time.ts";
import type { ServerTarget } from "./check-server.ts";
import { readLine } from "./read-line.ts";
import type { TlsCredential } from "./verified-tls.ts";

/** What the tunnel is asked, as one line of JSON on its standard input. */
export interface TunnelRequest {
  readonly target: ServerTarget;
  readonly credential: TlsCredential;
  readonly floorMs: number;
  readonly pkcs11Module: string;
}

/** What it answers, as one line on its standard output; after `{"ok":true}` both streams carry plain MQTT. */
export type TunnelAnswer =
  | { readonly ok: true; readonly floorMs: number }
  | { readonly ok: false; readonly fault: FaultReport };

const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * A verified TLS connection whose key is inside a PKCS#11 token, in a process of its own.
 *
 * Node reaches a token through an OpenSSL engine, and libp11's engine can be initialised once per process: a second
 * connection, with a renewed key or after the first was collected, fails with "init failed". A child per connection
 * has none of that, and a token's driver that crashes takes only its connection along.
 */
export async function openTlsInChild(time: TrustedTime, request: Omit<TunnelRequest, "floorMs">): Promise<Duplex> {
  const program = fileURLToPath(import.meta.url.replace("tls-in-child", "tls-tunnel"));
  // A test runner's own flags are not for the child.
  const flags = process.execArgv.filter((flag) => !flag.startsWith("--test"));
  const child = spawn(process.execPath, [...flags, program], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, PKCS11_MODULE_PATH: request.pkcs11Module },
  });
  const closed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error("The TLS process ended without an answer.")));
  });
  closed.catch(() => {});
  child.stdin.on("error", () => {});
  child.stdin.write(`${JSON.stringify({ ...request, floorMs: time.floorMs() })}\n`);
  try {
    const answer = await Promise.race([readAnswer(child.stdout), closed]);
    if (!answer.ok) throw new AgentFault(answer.fault);
    time.raise(answer.floorMs);
  } catch (error) {
    child.kill();
    throw error;
  }
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  stream.once("close", () => child.kill());
  return stream;
}

async function readAnswer(output: Readable): Promise<TunnelAnswer> {
  return JSON.parse(await readLine(output, MAX_ANSWER_BYTES)) as TunnelAnswer;
}

// Debian's mosquitto as a peer: one TLS listener that demands a client certificate, and nothing else switched on.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PeerCertificates } from "./peer-certificates.ts";
import { processUsage, type Usage } from "./process-usage.ts";

export interface Mosquitto extends AsyncDisposable {
  readonly version: string;
  readonly port: number;
  usage(): Promise<Usage>;
}

const START_WITHIN_MS = 5_000;
const ASK_EVERY_MS = 20;

/** The program's path, or undefined where it is not installed or its CPU time cannot be read. */
export function findMosquitto(): string | undefined {
  if (!existsSync("/proc/self/task")) return undefined;
  // Debian keeps it where only root's PATH leads.
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, "mosquitto"))
    .find((file) => existsSync(file));
}

export async function startMosquitto(
  program: string,
  folder: string,
  certificates: PeerCertificates,
): Promise<Mosquitto> {
  const port = await freePort();
  const child = spawn(program, ["-c", writeConfiguration(folder, port, certificates)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => (said = `${said}${chunk}`.slice(-2000)));
  const ended = once(child, "exit");
  await Promise.race([
    untilConnectable(port),
    ended.then(([code]) => Promise.reject(new Error(`mosquitto ended with ${code} before it listened:\n${said}`))),
  ]);
  return {
    version: versionOf(program),
    port,
    usage: async () => processUsage(pidOf(child)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function writeConfiguration(folder: string, port: number, { rootPem, server }: PeerCertificates): string {
  const write = (name: string, content: string): string => {
    const file = join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const lines = [
    `user ${userInfo().username}`,
    `listener ${port} 127.0.0.1`,
    `cafile ${write("mosquitto-ca.pem", rootPem)}`,
    `certfile ${write("mosquitto.cert.pem", server.certificatePem)}`,
    `keyfile ${write("mosquitto.key.pem", server.privateKeyPem)}`,
    "require_certificate true",
    "allow_anonymous true",
    "set_tcp_nodelay true",
    "persistence false",
    "log_dest none",
  ];
  return write("mosquitto.conf", `${lines.join("\n")}\n`);
}

function versionOf(program: string): string {
  return /version (\S+)/.exec(spawnSync(program, ["-h"], { encoding: "utf8" }).stdout)?.[1] ?? "of unknown version";
}

function pidOf(child: ChildProcess): number {
  return child.pid!;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilConnectable(port: number): Promise<void> {
  for (const deadline = Date.now() + START_WITHIN_MS; ; await sleep(ASK_EVERY_MS)) {
    if (await accepts(port)) return;
    if (Date.now() > deadline) throw new Error(`mosquitto does not listen on port ${port}.`);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

// The command line against the real administration API over HTTPS, with a fixed installation behind it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExitCode, run, type ServerEntry, type Terminal } from "../src/index.ts";

export interface Result {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface Fixture extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** A folder for the test's own files. */
  readonly folder: string;
  /** A data folder as `init` and `serve` leave it. */
  readonly data: string;
  readonly caFile: string;
  /** What the domain was asked to do. */
  readonly calls: (readonly [string, unknown])[];
  /** The next change that is asked of the domain is refused with this. */
  refuse(error: Error): void;
  /** Runs a command with `--data`. */
  fleetmint(...argv: string[]): Promise<Result>;
  /** Runs a command with `--data` and `-o json`, insists on 0 and reads what it said. */
  json<Value>(...argv: string[]): Promise<Value>;
  /** Writes a file and answers its path. */
  file(name: string, content: string | Uint8Array): string;
}

interface World {
  readonly ports: unknown;
  readonly token: string;
  readonly calls: Fixture["calls"];
  fail: Error | undefined;
}

interface Api {
  listen(port: number, host: string): Promise<number>;
  close(): Promise<void>;
}

const FRONT = "../../server/src/fronts/admin-api";
const { fixedWorld } = await load<{ fixedWorld(): World }>("testing/fixed-world.ts");
const { testTlsIdentity } = await load<{ testTlsIdentity(...names: string[]): Promise<{ caPem: string }> }>(
  "testing/tls-identity.ts",
);
const { createAdminApi } = await load<{ createAdminApi(ports: unknown, settings: object): Api }>("index.ts");
const local = await testTlsIdentity("localhost", "127.0.0.1");

/** `hostName` is what `init --hostname` was given: the one name that the server's certificate carries. */
export async function startFixture(hostName?: string): Promise<Fixture> {
  const tls = hostName === undefined ? local : await testTlsIdentity(hostName, "192.0.2.1");
  const world = fixedWorld();
  const api = createAdminApi(world.ports, { tls });
  const httpPort = await api.listen(0, "127.0.0.1");
  const folder = mkdtempSync(join(tmpdir(), "fleetmint-cli-"));
  const data = join(folder, "data");
  mkdirSync(data);
  writeFileSync(join(data, "admin.json"), JSON.stringify({ accountId: "acc-1", token: world.token }));
  writeFileSync(join(data, "serve.json"), JSON.stringify({ host: "0.0.0.0", httpPort, mqttPort: 1, pid: 1 }));
  writeFileSync(join(data, "installation.json"), JSON.stringify({ hostNames: [hostName ?? "127.0.0.1"] }));
  writeFileSync(join(data, "ca.pem"), tls.caPem);
  const fleetmint = (...argv: string[]) => runCommand([...argv, "--data", data]);
  return {
    url: `https://127.0.0.1:${httpPort}`,
    token: world.token,
    folder,
    data,
    caFile: join(data, "ca.pem"),
    calls: world.calls,
    refuse: (error) => {
      world.fail = error;
    },
    fleetmint,
    async json(...argv) {
      const { code, out, err } = await fleetmint(...argv, "-o", "json");
      if (code !== 0 || err !== "") throw new Error(`ended with ${code}: ${err}`);
      return JSON.parse(out);
    },
    file(name, content) {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    async [Symbol.asyncDispose]() {
      await api.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Runs one command line in this process, with its own terminal. */
export async function runCommand(
  argv: readonly string[],
  surroundings: Partial<Pick<Terminal, "environment" | "colour" | "width" | "untilStopped">> = {},
  server?: Partial<ServerEntry>,
): Promise<Result> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    environment: {},
    width: 80,
    colour: false,
    untilStopped: async () => {},
    ...surroundings,
  };
  const code = await (server === undefined
    ? run(argv, terminal)
    : run(argv, terminal, async () => server as ServerEntry));
  return { code, out, err };
}

async function load<Module>(file: string): Promise<Module> {
  return (await import(new URL(`${FRONT}/${file}`, import.meta.url).href)) as Module;
}

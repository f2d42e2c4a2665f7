import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { type Client, createClient } from "@fleetmint/sdk";
import { CommandError, UsageError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

export interface ServerFlags {
  readonly data?: string;
  readonly server?: string;
  readonly ca?: string;
}

/** A client of the server that the flags or the environment name, and its address for messages. */
export interface Connection {
  readonly client: Client;
  readonly url: string;
}

/** Flags win over FLEETMINT_SERVER, FLEETMINT_CA and FLEETMINT_DATA; a flag for the one ignores the variable for the other. */
export function connect(flags: ServerFlags, { environment }: Pick<Terminal, "environment">): Connection {
  if (flags.data !== undefined && flags.server !== undefined) {
    throw new UsageError("Two servers were named.", "--data and --server", "Give one of them.");
  }
  if (flags.data !== undefined) return local(flags.data);
  const server = flags.server ?? environment["FLEETMINT_SERVER"];
  if (server !== undefined)
    return remote(server, flags.ca ?? environment["FLEETMINT_CA"], environment["FLEETMINT_TOKEN"]);
  const data = environment["FLEETMINT_DATA"];
  if (data !== undefined) return local(data);
  throw new UsageError(
    "No server was named.",
    "--data, --server, FLEETMINT_DATA and FLEETMINT_SERVER are all absent",
    "Add `--data DIR` on the server's machine, or `--server URL` with a token in FLEETMINT_TOKEN.",
  );
}

function remote(url: string, caFile: string | undefined, token: string | undefined): Connection {
  if (token === undefined || token === "") {
    throw new UsageError("There is no token for this server.", url, "Put it into the variable FLEETMINT_TOKEN.");
  }
  return { url, client: createClient({ url, token, ...(caFile !== undefined && { caFile }) }) };
}

/** By the credential that `init` left in the data folder, at the address that `serve` wrote there. */
function local(data: string): Connection {
  const folder = resolve(data);
  const { token } = readJson<{ token: string }>(
    folder,
    "admin.json",
    `Make a data folder with \`fleetmint init --data ${data}\`, or name the right one.`,
  );
  const serving = readJson<Serving>(folder, "serve.json", `Start the server with \`fleetmint serve --data ${data}\`.`);
  const host = reachable(serving.host);
  const url = `https://${host.includes(":") ? `[${host}]` : host}:${serving.httpPort}`;
  const serverName = certifiedName(folder, host);
  const options = { url, token, caFile: join(folder, "ca.pem"), ...(serverName !== undefined && { serverName }) };
  return { url, client: createClient(options) };
}

interface Serving {
  readonly host: string;
  readonly httpPort: number;
}

function readJson<Content>(folder: string, file: string, fix: string): Content {
  const path = join(folder, file);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Content;
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const what =
      file === "serve.json" ? "No server runs on this data folder" : "This is no data folder of an installation";
    const problem =
      (cause as NodeJS.ErrnoException).code === "EACCES" ? "may not be read by this user" : "cannot be read";
    throw new CommandError(absent ? `${what}: there is no ${file}.` : `The file ${file} ${problem}.`, path, fix, {
      cause,
    });
  }
}

/** A listener on all addresses is reached at the loopback one. */
function reachable(host: string | undefined): string {
  if (host === undefined || host === "0.0.0.0" || host === "") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** The server's certificate names what `init --hostname` said, which need not be the loopback address we go to. */
function certifiedName(folder: string, host: string): string | undefined {
  try {
    const { hostNames } = JSON.parse(readFileSync(join(folder, "installation.json"), "utf8")) as {
      hostNames: string[];
    };
    if (hostNames.includes(host)) return undefined;
    return hostNames.find((name) => isIP(name) === 0);
  } catch {
    return undefined;
  }
}

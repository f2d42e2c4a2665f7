import { join, resolve } from "node:path";
import { AgentFault } from "../agent-fault.ts";
import { openPorts } from "../agent-ports.ts";
import { makePrivateFolder, replaceDurably } from "../system/durable-files.ts";
import { realSystem } from "../system/system.ts";
import { loadConfig } from "./load-config.ts";
import type { Output } from "./output.ts";

export interface ExportOptions {
  readonly config: string;
  readonly output: "text" | "json";
  readonly out: string;
}

/** Writes copies for programs that want PEM files. A key in a token stays there, and its URI is written instead. */
export async function exportCommand({ config: path, out }: ExportOptions, output: Output): Promise<number> {
  const config = loadConfig(path, output.say);
  const ports = openPorts(config, realSystem, output.say);
  const { current } = ports.store.load();
  if (current === undefined) throw nothingToExport(ports.store.path);
  const folder = resolve(out);
  makePrivateFolder(folder);
  const { key, certificatePem } = current;
  const handle = await ports.keys.open(key);
  const keyFile = key.kind === "file" ? "device.key.pem" : "device.key.uri";
  replaceDurably(folder, keyFile, key.kind === "file" ? key.privateKeyPem : `${handle.uri ?? ""}\n`);
  replaceDurably(folder, "device.cert.pem", certificatePem);
  replaceDurably(folder, "ca.pem", ports.target.rootCaPem);
  const paths = {
    certificatePath: join(folder, "device.cert.pem"),
    [key.kind === "file" ? "privateKeyPath" : "privateKeyUriPath"]: join(folder, keyFile),
    caPath: join(folder, "ca.pem"),
  };
  output.result(Object.values(paths).join("\n"), paths);
  return 0;
}

function nothingToExport(at: string): AgentFault {
  return new AgentFault({
    kind: "refused",
    reason: "not_provisioned",
    message: "This device has no identity yet.",
    at,
    fix: "run `fleetmint-agent provision` first",
  });
}

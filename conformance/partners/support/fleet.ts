import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fleetmint, fleetmintJson, ROOT, type RunOptions } from "./commands.ts";

/** A temporary folder that goes with its scope. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "fleetmint-partners-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** `fleetmint init`, which must succeed. */
export async function initialize(data: string, hostNames: readonly string[], options?: RunOptions): Promise<void> {
  const names = hostNames.flatMap((name) => ["--hostname", name]);
  const { code, stdout, stderr } = await fleetmint(["init", "--data", data, ...names], options);
  if (code !== 0) throw new Error(`init ended with ${code}:\n${stderr || stdout}`);
}

/** The README's policy, template and claim; answers the claim's id. */
export async function prepareFleet(data: string, claimFolder: string, options?: RunOptions): Promise<string> {
  const at = ["--data", data];
  const file = (name: string): string[] => ["--file", `${ROOT}tools/demo/${name}`];
  await fleetmintJson(["policy", "apply", "camera", ...file("camera.policy.json"), ...at], options);
  await fleetmintJson(["template", "apply", "camera", ...file("camera.template.json"), ...at], options);
  const claim = ["--template", "camera", "--out", claimFolder, "--allow-any-device", "--valid-for", "1d", "--plain"];
  return (await fleetmintJson<{ claimId: string }>(["claim", "create", ...claim, ...at], options)).claimId;
}

export interface AgentTarget {
  readonly endpoint: string;
  readonly port: number;
  readonly claimFolder: string;
  readonly serial: string;
  /** Instead of the claim's own. */
  readonly rootCa?: string;
}

/** The README's `agent.json` in a folder of the device's own; answers its path. */
export function writeAgentConfig(folder: string, target: AgentTarget): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const config = {
    endpoint: target.endpoint,
    cert: join(target.claimFolder, "claim.cert.pem"),
    key: join(target.claimFolder, "claim.key.pem"),
    "root-ca": target.rootCa ?? join(target.claimFolder, "ca.pem"),
    "fleet-provisioning": {
      enabled: true,
      "template-name": "camera",
      "template-parameters": { SerialNumber: target.serial },
    },
    fleetmint: { port: target.port, store: join(folder, "store"), keepClaim: true },
  };
  const path = join(folder, "agent.json");
  writeFileSync(path, JSON.stringify(config));
  return path;
}

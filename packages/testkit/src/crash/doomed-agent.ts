// A device's folder and `fleetmint-agent` as a process of its own on it, which strace may kill at any call on its files.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { IdentityStore } from "@fleetmint/agent";
import type { Credentials, Target } from "../simulated-device.ts";

export interface DeviceFolderOptions {
  readonly target: Target;
  readonly claim: Credentials;
  readonly template: string;
  readonly serialNumber: string;
}

/** One call of the agent on one of its files. */
export interface AgentPoint {
  readonly call: string;
  /** Counted from 1 among the calls of this name on these files. */
  readonly occurrence: number;
}

export interface AgentEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.resolve("@fleetmint/agent")));

/** What a device has when it leaves the factory, and what it keeps. */
export class DeviceFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "fleetmint-device-"));
  readonly store: string = join(this.path, "identity");
  readonly #claimFiles: readonly string[] = ["claim.cert.pem", "claim.key.pem"].map((name) => join(this.path, name));

  constructor({ target, claim, template, serialNumber }: DeviceFolderOptions) {
    this.#write("ca.pem", target.caPem);
    this.#write("claim.cert.pem", claim.certificatePem);
    this.#write("claim.key.pem", claim.privateKeyPem);
    const configuration = {
      endpoint: `${target.host}:${target.port}`,
      cert: "claim.cert.pem",
      key: "claim.key.pem",
      "root-ca": "ca.pem",
      "fleet-provisioning": {
        enabled: true,
        "template-name": template,
        "template-parameters": { SerialNumber: serialNumber },
      },
      fleetmint: { store: "identity" },
    };
    this.#write("agent.json", JSON.stringify(configuration));
  }

  /** Throws where the bundle is broken. */
  state(): ReturnType<IdentityStore["load"]> {
    return new IdentityStore(this.store).load();
  }

  get hasClaim(): boolean {
    return this.#claimFiles.every((file) => existsSync(file));
  }

  /** What lies around that should not. */
  leftovers(): string[] {
    return [
      ...readdirSync(this.store).filter((name) => name !== "identity.json"),
      ...this.#claimFiles.filter((file) => existsSync(file)),
    ];
  }

  provision(): Promise<AgentEnd> {
    return run(process.execPath, this.#command());
  }

  /** The same, killed as it enters the call; it may end by itself before. */
  provisionDoomed({ call, occurrence }: AgentPoint): Promise<AgentEnd> {
    const files = ["identity.json", "identity.json.new", "lock"].map((name) => join(this.store, name));
    const watched = [this.store, ...files, ...this.#claimFiles].flatMap((path) => ["-P", path]);
    const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${occurrence}`];
    const strace = ["-f", "-qq", "-o", "/dev/null", ...watched, ...inject];
    return run("strace", [...strace, process.execPath, ...this.#command()]);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #command(): string[] {
    const flags = process.execArgv.filter((flag) => flag.startsWith("--openssl-config="));
    const program = ["--conditions=source", "--disable-warning=ExperimentalWarning", MAIN];
    return [...flags, ...program, "provision", "-c", join(this.path, "agent.json"), "-o", "json"];
  }

  #write(name: string, content: string): void {
    writeFileSync(join(this.path, name), content, { mode: 0o600 });
  }
}

function run(command: string, args: readonly string[]): Promise<AgentEnd> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, output }));
  });
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AgentConfig,
  type AgentPorts,
  openPorts,
  type ProvisionRequest,
  readConfig,
  type System,
} from "../src/index.ts";
import { systemClock } from "../src/system/clock.ts";
import type { Leaf, TestCa } from "./test-ca.ts";

/** A random port that makes every back-off zero, so that no test waits. */
export const testSystem: System = {
  clock: systemClock,
  random: { bytes: (length) => new Uint8Array(length) },
  hostname: () => "test-host",
};

/** A folder with a claim, a CA file and a configuration, as a device has them when it leaves the factory. */
export class TestDevice {
  readonly folder = mkdtempSync(join(tmpdir(), "fleetmint-agent-"));
  readonly said: string[] = [];
  readonly configPath = join(this.folder, "agent.json");
  readonly claimKeyPath = join(this.folder, "claim.key.pem");
  readonly claimCertPath = join(this.folder, "claim.cert.pem");

  constructor(ca: TestCa, claim: Leaf, port: number, changes: object = {}) {
    this.write("ca.pem", ca.rootPem);
    this.write("claim.cert.pem", claim.certificatePem);
    this.write("claim.key.pem", claim.privateKeyPem);
    this.configure(port, changes);
  }

  configure(port: number, changes: object = {}): void {
    const { fleetmint = {}, ...rest } = changes as { fleetmint?: object };
    const settings = {
      endpoint: `localhost:${port}`,
      cert: "claim.cert.pem",
      key: "claim.key.pem",
      "root-ca": "ca.pem",
      "fleet-provisioning": {
        enabled: true,
        "template-name": "camera",
        "template-parameters": '{"SerialNumber":"A-1"}',
      },
      fleetmint: { store: "identity", ...fleetmint },
      ...rest,
    };
    this.write("agent.json", JSON.stringify(settings));
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.folder, name), content, { mode: 0o600 });
  }

  config(text: string): AgentConfig {
    return readConfig(text, this.configPath, { homeFolder: this.folder, hostname: "test-host" });
  }

  ports(config: AgentConfig, system: System = testSystem): AgentPorts {
    return openPorts(config, system, (line) => this.said.push(line));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const once: ProvisionRequest = { withinMs: 0, signal: new AbortController().signal, again: false };

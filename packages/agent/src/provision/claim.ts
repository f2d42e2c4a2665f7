import { statSync } from "node:fs";
import { readPem } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { LinkIdentity } from "../connect/mqtt-link.ts";
import { openPemKey } from "../keys/file-key-store.ts";

/** The claim, ready to connect with, and what is unwise about its files. */
export function openClaim(config: AgentConfig): { identity: LinkIdentity; notes: string[] } {
  const claim = "the claim (`fleetmint claim create`)";
  const certificatePem = readPem(config.claimCertPath, "cert", claim);
  const keyPem = readPem(config.claimKeyPath, "key", claim);
  const key = openPemKey(keyPem, config.claimKeyPath);
  return {
    identity: { certificatePem, key, clientId: config.clientId, name: "the claim" },
    notes: adviseMode(config.claimKeyPath),
  };
}

/** As the AWS IoT Device Client asks of private keys, though it refuses to start and we only say so. */
export function adviseMode(keyPath: string): string[] {
  const mode = statSync(keyPath).mode & 0o777;
  if ((mode & 0o077) === 0) return [];
  return [`${keyPath} can be read by other users (mode ${mode.toString(8)}); run: chmod 600 ${keyPath}`];
}

import { openPorts } from "../agent-ports.ts";
import { expiryOf } from "../identity/lifetime.ts";
import { lockStore } from "../identity/store-lock.ts";
import { provision } from "../provision/provision.ts";
import { realSystem } from "../system/system.ts";
import { loadConfig } from "./load-config.ts";
import type { Output } from "./output.ts";

export interface ProvisionOptions {
  readonly config: string;
  readonly output: "text" | "json";
  readonly timeout: number;
  readonly again: boolean;
}

/** No signal is handled: whenever the process ends, the next run goes on where this one stood. */
export async function provisionCommand(
  { config: path, timeout, again }: ProvisionOptions,
  output: Output,
): Promise<number> {
  const config = loadConfig(path, output.say);
  const ports = openPorts(config, realSystem, output.say);
  const unlock = lockStore(ports.store.prepare());
  try {
    const request = { withinMs: timeout * 1000, signal: new AbortController().signal, again };
    const { outcome, identity } = await provision(ports, config, request);
    const { thingName = null, certificateId, certificatePem } = identity;
    const expiresAt = new Date(expiryOf(certificatePem)).toISOString();
    const done = outcome === "issued" ? "This device is provisioned" : "This device was provisioned before";
    const message = `${done}${thingName === null ? "" : ` as ${thingName}`}; its certificate ends at ${expiresAt}.`;
    output.result(`${message}\n  certificate ${certificateId}\n  store       ${ports.store.path}`, {
      ...{ outcome, thingName, certificateId, expiresAt },
      ...{ reason: null, message },
    });
    return 0;
  } finally {
    unlock();
  }
}

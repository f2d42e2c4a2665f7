import { AgentFault } from "../agent-fault.ts";
import type { AgentPorts } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { expiryOf, renewalDueAt } from "../identity/lifetime.ts";
import type { AgentState, Identity } from "../identity/state.ts";

export interface AgentStatus {
  readonly state: "provisioned" | "expired" | "unfinished" | "not-provisioned";
  readonly endpoint: string;
  readonly thingName: string | null;
  readonly certificateId: string | null;
  readonly expiresAt: string | null;
  readonly renewalDueAt: string | null;
  /** Where the key is; never the key. */
  readonly key: string | null;
  /** The next step of an identity on its way. */
  readonly nextStep: string | null;
  readonly store: string;
}

/** What the store holds. Connects to nobody. */
export async function readStatus(ports: AgentPorts, { endpoint }: AgentConfig): Promise<AgentStatus> {
  const state = ports.store.load();
  const { current } = state;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    state: stateOf(state, ports.time.now()),
    endpoint: `${endpoint.host}:${endpoint.port}`,
    thingName: current?.thingName ?? null,
    certificateId: current?.certificateId ?? null,
    expiresAt: current === undefined ? null : time(expiryOf(current.certificatePem)),
    renewalDueAt: current === undefined ? null : time(renewalDueAt(current)),
    key: current === undefined ? null : await describeKey(ports, current),
    nextStep: nextStep(state),
    store: ports.store.path,
  };
}

export function describeStatus(status: AgentStatus): string {
  const lines: [string, string | null][] = [
    ["state", status.state],
    ["thing", status.thingName],
    ["endpoint", status.endpoint],
    ["certificate", status.certificateId],
    ["expires", status.expiresAt],
    ["renewal due", status.renewalDueAt],
    ["key", status.key],
    ["next step", status.nextStep],
    ["store", status.store],
  ];
  return lines
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(12)} ${value}`)
    .join("\n");
}

function stateOf({ current, pending }: AgentState, nowMs: number): AgentStatus["state"] {
  if (current !== undefined) return expiryOf(current.certificatePem) > nowMs ? "provisioned" : "expired";
  return pending === undefined ? "not-provisioned" : "unfinished";
}

function nextStep({ pending }: AgentState): string | null {
  if (pending === undefined) return null;
  const what = pending.purpose === "renew" ? "renewal" : "provisioning";
  if (pending.issued === undefined) return `${what}: ask for the certificate`;
  return pending.redeemed === undefined ? `${what}: redeem the certificate` : `${what}: connect with the new identity`;
}

async function describeKey({ keys }: AgentPorts, { key }: Identity): Promise<string> {
  try {
    return (await keys.open(key)).describe();
  } catch (error) {
    if (error instanceof AgentFault) return `not available: ${error.message}`;
    throw error;
  }
}

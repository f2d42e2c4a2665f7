// The device side of Fleetmint: from a claim to a stored identity, and an identity kept alive.

export { AgentFault, type FaultKind, type FaultReport } from "./agent-fault.ts";
export { type AgentPorts, openPorts } from "./agent-ports.ts";
export type * from "./config/agent-config.ts";
export { readConfig, type Surroundings } from "./config/read-config.ts";
export { IdentityStore } from "./identity/identity-store.ts";
export type { AgentState, Identity, PendingIdentity } from "./identity/state.ts";
export { TrustedTime } from "./identity/trusted-time.ts";
export type { KeyHandle, KeyReference, KeyStore } from "./keys/key-store.ts";
export { type ProvisionRequest, type ProvisionResult, provision } from "./provision/provision.ts";
export { realSystem, type System } from "./system/system.ts";

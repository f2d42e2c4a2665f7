import { AgentFault } from "../agent-fault.ts";
import type { AgentPorts } from "../agent-ports.ts";
import type { AgentState, Identity, PendingIdentity } from "./state.ts";

/** Writes the state with the latest moment that is proved to have passed, and returns what it wrote. */
export function saveState({ store, time }: Pick<AgentPorts, "store" | "time">, state: AgentState): AgentState {
  const saved = { ...state, floorMs: Math.max(state.floorMs, time.provedMs()) };
  store.save(saved);
  return saved;
}

/** The parts of a redeemed identity, put together. */
export function identityOf({ key, issued, redeemed }: PendingIdentity): Identity {
  if (key === undefined || issued === undefined || redeemed === undefined) {
    throw new Error("The identity is not complete.");
  }
  const { ownershipToken: _spent, ...certificate } = issued;
  return { ...certificate, key, ...redeemed };
}

/** The state in which the pending identity has become the current one. A key in a token is remembered until it is ended. */
export function withCurrent({ pending: _done, current: last, ...rest }: AgentState, identity: Identity): AgentState {
  const isRetired = last?.key.kind === "pkcs11";
  return { ...rest, current: identity, ...(isRetired ? { retiredKey: last.key } : {}) };
}

/** Ends the key of the identity before this one. A token that is not there does not hold anything up. */
export async function endRetiredKey(
  ports: Pick<AgentPorts, "keys" | "store" | "time" | "say">,
  { retiredKey, ...rest }: AgentState,
): Promise<AgentState> {
  if (retiredKey === undefined) return rest;
  try {
    await (await ports.keys.open(retiredKey)).destroy();
  } catch (error) {
    if (!(error instanceof AgentFault)) throw error;
    ports.say(`The last identity's key could not be ended: ${error.message}`);
  }
  return saveState(ports, rest);
}

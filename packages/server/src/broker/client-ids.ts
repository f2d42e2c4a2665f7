import { Fault } from "../kit/fault.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import type { Admitted, SessionKey } from "./ports.ts";

/** The part of a connection that holds a client id. */
export interface ClientIdHolder {
  /** Monotonic milliseconds of the last sign of life. */
  readonly heardMs: number;
  refuse(fault: Fault): void;
}

/** One connection at a time for each principal and client id. */
export class ClientIds {
  readonly #limits: BrokerLimits;
  readonly #holders = new Map<string, ClientIdHolder>();

  constructor(limits: BrokerLimits) {
    this.#limits = limits;
  }

  /**
   * Takes the client id. A device takes it over from its own older connection [MQTT-3.1.4-3]. Many devices share a claim,
   * so there the newcomer is refused while the holder gave a sign of life within the hold; a holder that lost its power
   * falls silent, and its successor gets in after that.
   */
  take(name: string, holder: ClientIdHolder, by: { admitted: Admitted; nowMs: number }): void {
    const old = this.#holders.get(name);
    if (old !== undefined) {
      if (by.admitted.principal.kind === "claim" && by.nowMs - old.heardMs < this.#limits.claimClientIdHoldMs) {
        throw new Fault("claim_client_id_busy");
      }
      old.refuse(new Fault("session_taken_over"));
    }
    this.#holders.set(name, holder);
  }

  isHeld(name: string): boolean {
    return this.#holders.has(name);
  }

  release(name: string, holder: ClientIdHolder): void {
    if (this.#holders.get(name) === holder) this.#holders.delete(name);
  }
}

/** Whose session it is: the thing's, so that renewing a certificate does not lose it. */
export function sessionKey({ principal }: Admitted, clientId: string): SessionKey {
  if (principal.kind === "claim") return { owner: `claim:${principal.claimId}`, clientId };
  const { thingName, certificateId } = principal;
  return { owner: thingName === undefined ? `certificate:${certificateId}` : `device:${thingName}`, clientId };
}

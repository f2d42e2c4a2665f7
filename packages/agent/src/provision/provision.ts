import { existsSync } from "node:fs";
import { AgentFault } from "../agent-fault.ts";
import type { AgentPorts } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { MqttLink } from "../connect/mqtt-link.ts";
import { retry } from "../connect/retry.ts";
import { eraseClaim } from "../identity/erase-claim.ts";
import { expiryOf } from "../identity/lifetime.ts";
import { endRetiredKey, identityOf, saveState, withCurrent } from "../identity/progress.ts";
import type { AgentState, Identity, PendingIdentity } from "../identity/state.ts";
import { openClaim } from "./claim.ts";
import { obtainCertificate } from "./obtain-certificate.ts";
import { redeemToken } from "./redeem-token.ts";

export interface ProvisionRequest {
  /** No new try begins after this long. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Forget an unfinished attempt and the present identity, and begin again with the claim. */
  readonly again: boolean;
}

export interface ProvisionResult {
  readonly outcome: "issued" | "already-provisioned";
  readonly identity: Identity;
}

/**
 * Turns the claim into an identity that has really connected. May be killed at any instant and run again: every step is
 * on the disk before the next, and the server answers a repeated redemption as it did the first time.
 */
export async function provision(
  ports: AgentPorts,
  config: AgentConfig,
  request: ProvisionRequest,
): Promise<ProvisionResult> {
  const job = new ProvisioningJob(ports, config);
  if (request.again) job.startOver();
  const existing = job.validIdentity();
  if (existing !== undefined) {
    await job.finish();
    return { outcome: "already-provisioned", identity: existing };
  }
  const onWait = (fault: AgentFault, delayMs: number): void =>
    ports.say(`${fault.message} Next try in ${(delayMs / 1000).toFixed(1)} s.`);
  await retry(ports.system, { ...request, onWait }, () => job.advance());
  await job.finish();
  return { outcome: "issued", identity: job.state.current! };
}

class ProvisioningJob {
  state: AgentState;
  readonly #ports: AgentPorts;
  readonly #config: AgentConfig;

  constructor(ports: AgentPorts, config: AgentConfig) {
    this.#ports = ports;
    this.#config = config;
    this.state = ports.store.load();
  }

  startOver(): void {
    const { current, pending, ...rest } = this.state;
    if (current === undefined && pending === undefined) return;
    requireClaim(this.#config, "To provision again takes a claim, and there is none. Nothing was changed.");
    const key = current?.key ?? pending?.key;
    this.#save({ ...rest, ...(key?.kind === "pkcs11" ? { retiredKey: key } : {}) });
  }

  /** The identity in use, unless it has expired and no renewed one waits to be used. */
  validIdentity(): Identity | undefined {
    const { current, pending } = this.state;
    const renewed = pending?.purpose === "renew" && pending.redeemed !== undefined ? pending.issued : undefined;
    const isValid = [current, renewed].some((each) => each && expiryOf(each.certificatePem) > this.#ports.time.now());
    return isValid ? current : undefined;
  }

  /** Goes on from where the stored state stands, up to an identity that has connected. */
  async advance(): Promise<void> {
    if (this.#pending().redeemed === undefined) await this.#useClaim();
    await this.#prove();
  }

  /** What is left to do once the identity is safe. Each part may be repeated. */
  async finish(): Promise<void> {
    const { claimToErase } = this.state;
    if (claimToErase) {
      const notes = eraseClaim(this.#config);
      this.#save({ ...this.state, claimToErase: false });
      if (notes.length === 0) notes.push("The claim has done its work and is erased.");
      for (const note of notes) this.#ports.say(note);
    }
    this.state = await endRetiredKey(this.#ports, this.state);
  }

  /** An unfinished renewal of an expired identity is of no use here: its connection can no longer be made. */
  #pending(): PendingIdentity {
    const { pending } = this.state;
    return pending?.purpose === "provision" ? pending : { purpose: "provision" };
  }

  async #useClaim(): Promise<void> {
    const { say } = this.#ports;
    requireClaim(this.#config, "This device has no valid identity, and no claim to obtain one with.");
    const claim = openClaim(this.#config);
    for (const note of claim.notes) say(note);
    const link = await MqttLink.open(this.#ports, claim.identity, this.#config);
    say(`Connected to ${this.#ports.target.host} with the claim; the server is who it should be.`);
    try {
      const keep = (pending: PendingIdentity): void => this.#keep(pending);
      const issued = await obtainCertificate({ ...this.#ports, keep }, this.#config, link, this.#pending());
      await redeemToken({ ...this.#ports, keep }, this.#config, link, issued);
    } finally {
      await link.close();
    }
  }

  /** The new identity counts from the moment the server has accepted it, not before. */
  async #prove(): Promise<void> {
    const identity = identityOf(this.#pending());
    const key = await this.#ports.keys.open(identity.key);
    const clientId = identity.thingName ?? this.#config.clientId;
    const named = { certificatePem: identity.certificatePem, key, clientId, name: "the new identity" };
    const link = await MqttLink.open(this.#ports, named, this.#config);
    await link.close();
    this.#ports.say(`Connected with the new identity${identity.thingName ? ` as ${identity.thingName}` : ""}.`);
    this.#save({ ...withCurrent(this.state, identity), claimToErase: !this.#config.keepClaim });
  }

  #keep(pending: PendingIdentity): void {
    this.#save({ ...this.state, pending });
  }

  #save(state: AgentState): void {
    this.state = saveState(this.#ports, state);
  }
}

function requireClaim({ claimCertPath, claimKeyPath }: AgentConfig, message: string): void {
  const missing = [claimCertPath, claimKeyPath].find((path) => !existsSync(path));
  if (missing === undefined) return;
  const fix = 'put a claim there (`fleetmint claim create`), or correct "cert" and "key" in the configuration';
  throw new AgentFault({ kind: "refused", reason: "claim_missing", message, at: missing, fix });
}

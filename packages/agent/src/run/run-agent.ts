import { AgentFault } from "../agent-fault.ts";
import type { AgentPorts } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { MqttLink } from "../connect/mqtt-link.ts";
import { backOff } from "../connect/retry.ts";
import { renewalDueAt } from "../identity/lifetime.ts";
import { endRetiredKey } from "../identity/progress.ts";
import type { Identity } from "../identity/state.ts";
import { provision } from "../provision/provision.ts";
import { pause } from "../system/clock.ts";
import { fraction } from "../system/random.ts";
import { Heartbeat } from "./heartbeat.ts";
import { requestRenewal, switchToRenewed } from "./renew.ts";

/** A refused device asks again this often at most; an operator may have released it meanwhile. */
const LONGEST_DELAY_MS = 5 * 60_000;
/** How often a renewal that failed is tried again at most, and how often the clock is looked at. */
const HOUR_MS = 3_600_000;

/** Keeps the device connected and its identity renewed until the signal. Provisions first where there is no identity. */
export async function runAgent(ports: AgentPorts, config: AgentConfig, signal: AbortSignal): Promise<void> {
  await provision(ports, config, { withinMs: Number.POSITIVE_INFINITY, signal, again: false });
  const agent = new RunningAgent(ports, config, signal);
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const link = await agent.connect();
      failures = 0;
      await agent.stayConnected(link);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof AgentFault) || error.kind === "usage") throw error;
      ports.say(`${error.message} ${error.fix}.`);
    }
    await pause(ports.system.clock, backOff(failures, fraction(ports.system.random), LONGEST_DELAY_MS), signal);
  }
}

class RunningAgent {
  readonly #ports: AgentPorts;
  readonly #config: AgentConfig;
  readonly #signal: AbortSignal;
  readonly #heartbeat: Heartbeat;
  #identity: Identity;
  #renewalFailures = 0;
  /** By the monotonic clock; a renewal that failed waits until then. */
  #renewNotBeforeMs = 0;

  constructor(ports: AgentPorts, config: AgentConfig, signal: AbortSignal) {
    this.#ports = ports;
    this.#config = config;
    this.#signal = signal;
    this.#heartbeat = new Heartbeat(ports, config);
    this.#identity = ports.store.load().current!;
  }

  async connect(): Promise<MqttLink> {
    return (await this.#resumeRenewal()) ?? (await this.#connectCurrent());
  }

  /** Returns when the connection has ended, or after the signal. */
  async stayConnected(first: MqttLink): Promise<void> {
    let link = first;
    this.#heartbeat.start(link, this.#identity);
    try {
      for (;;) {
        const event = await this.#nextEvent(link);
        if (event === "renew") link = await this.#renew(link);
        else if (event === "stop") return await link.close();
        else break;
      }
      this.#ports.say(`The connection ended: ${(await link.closed).message}.`);
    } finally {
      this.#heartbeat.stop();
    }
  }

  /**
   * A renewal that was cut short after its token was redeemed: the server may already have seen the new certificate,
   * and then the old one has ended. So the new one is tried first.
   */
  async #resumeRenewal(): Promise<MqttLink | undefined> {
    const { pending } = this.#ports.store.load();
    if (pending?.purpose !== "renew" || pending.redeemed === undefined) return undefined;
    try {
      return await this.#switch();
    } catch (error) {
      if (!(error instanceof AgentFault) || error.kind !== "refused") throw error;
      this.#ports.say(`${error.message} Going on with the present identity.`);
      return undefined;
    }
  }

  async #connectCurrent(): Promise<MqttLink> {
    const { certificatePem, key, thingName } = this.#identity;
    const named = { certificatePem, key: await this.#ports.keys.open(key), name: "this device" };
    const clientId = thingName ?? this.#config.clientId;
    const link = await MqttLink.open(this.#ports, { ...named, clientId }, { ...this.#config, signal: this.#signal });
    this.#ports.say(`Connected to ${this.#ports.target.host} as ${clientId}.`);
    return link;
  }

  async #nextEvent(link: MqttLink): Promise<"closed" | "stop" | "renew"> {
    const wake = new AbortController();
    const ended = link.closed.then(() => wake.abort());
    const stop = (): void => wake.abort();
    this.#signal.addEventListener("abort", stop, { once: true });
    try {
      // In steps of an hour at most: a clock that is set, or a device that slept, is noticed then.
      for (;;) {
        if (this.#signal.aborted) return "stop";
        if (!link.alive) return "closed";
        const waitMs = this.#untilRenewalMs();
        if (waitMs <= 0) return "renew";
        await pause(this.#ports.system.clock, Math.min(waitMs, HOUR_MS), wake.signal);
      }
    } finally {
      this.#signal.removeEventListener("abort", stop);
      void ended;
    }
  }

  #untilRenewalMs(): number {
    const { system, time } = this.#ports;
    const due = renewalDueAt(this.#identity) - time.now();
    return Math.max(due, this.#renewNotBeforeMs - system.clock.monotonicMs());
  }

  /** The connection to go on with: the renewed identity's, or the same one where the renewal has to wait. */
  async #renew(link: MqttLink): Promise<MqttLink> {
    try {
      await requestRenewal(this.#ports, this.#config, link);
      const renewed = await this.#switch();
      await link.close();
      this.#heartbeat.start(renewed, this.#identity);
      return renewed;
    } catch (error) {
      if (!(error instanceof AgentFault)) throw error;
      const { clock, random } = this.#ports.system;
      const delayMs = backOff(this.#renewalFailures++, fraction(random), HOUR_MS);
      this.#renewNotBeforeMs = clock.monotonicMs() + delayMs;
      this.#ports.say(`The identity was not renewed: ${error.message} Next try in ${Math.ceil(delayMs / 1000)} s.`);
      return link;
    }
  }

  async #switch(): Promise<MqttLink> {
    const { link, identity } = await switchToRenewed(this.#ports, this.#config, this.#signal);
    this.#identity = identity;
    this.#renewalFailures = 0;
    this.#ports.say(`Connected with the renewed identity, certificate ${identity.certificateId.slice(0, 12)}….`);
    await endRetiredKey(this.#ports, this.#ports.store.load());
    return link;
  }
}

import { ConnectionEndedError } from "@fleetmint/mqtt";
import type { AgentPorts } from "../agent-ports.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { MqttLink } from "../connect/mqtt-link.ts";
import type { Identity } from "../identity/state.ts";

/** A server that forbids the topic may answer by ending the connection (AWS IoT does); this many times is no accident. */
const UNANSWERED_LIMIT = 3;

/** Publishes a sign of life while there is a connection. Switches itself off where the server does not want it. */
export class Heartbeat {
  readonly #ports: Pick<AgentPorts, "system" | "say">;
  readonly #config: AgentConfig;
  readonly #startedMs: number;
  #sequence = 0;
  #unanswered = 0;
  #off: boolean;
  #cancel: () => void = () => {};

  constructor(ports: Pick<AgentPorts, "system" | "say">, config: AgentConfig) {
    this.#ports = ports;
    this.#config = config;
    this.#startedMs = ports.system.clock.monotonicMs();
    this.#off = config.heartbeatSeconds === 0;
  }

  /** Beats at once and then regularly, until `stop` or the connection's end. */
  start(link: MqttLink, identity: Identity): void {
    this.stop();
    void this.#beat(link, identity);
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  async #beat(link: MqttLink, identity: Identity): Promise<void> {
    if (this.#off || !link.alive) return;
    this.#cancel = this.#ports.system.clock.after(this.#config.heartbeatSeconds * 1000, () => {
      void this.#beat(link, identity);
    });
    const topic = this.#topic(identity);
    try {
      const { reasonCode } = await link.client.publish({ topic, payload: this.#payload(identity), qos: 1 });
      this.#unanswered = 0;
      if (reasonCode >= 0x80) this.#switchOff(`the server does not take messages on ${topic}`);
    } catch (error) {
      if (!(error instanceof ConnectionEndedError)) this.#switchOff((error as Error).message);
      else if (error.end.kind === "closed" || error.end.kind === "disconnected-by-server") this.#countUnanswered(topic);
    }
  }

  /** A network that fails does not count: only a server that closes the connection on a message without an answer. */
  #countUnanswered(topic: string): void {
    if (++this.#unanswered < UNANSWERED_LIMIT) return;
    this.#switchOff(`the server ends the connection at each message on ${topic}`);
  }

  #topic({ thingName }: Identity): string {
    return this.#config.heartbeatTopic.replaceAll("{thingName}", thingName ?? this.#config.clientId);
  }

  #payload({ thingName, certificateId }: Identity): string {
    const uptimeSeconds = Math.floor((this.#ports.system.clock.monotonicMs() - this.#startedMs) / 1000);
    return JSON.stringify({ thingName, certificateId, sequence: this.#sequence++, uptimeSeconds });
  }

  #switchOff(why: string): void {
    this.#off = true;
    this.stop();
    this.#ports.say(`No more heartbeats: ${why}. Allow iot:Publish there, or set fleetmint.heartbeatTopic.`);
  }
}

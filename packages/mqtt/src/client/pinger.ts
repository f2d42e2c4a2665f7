export interface PingerPorts {
  readonly after: (delayMs: number, action: () => void) => () => void;
  readonly sendPing: () => void;
  readonly onSilence: () => void;
}

/**
 * Keeps a connection alive and notices a dead one [MQTT-3.1.2-20]. Looks twice per keep-alive: pings if one side said
 * nothing since the last look, and gives up if nothing at all came back from a ping by the next.
 */
export class Pinger {
  readonly #ports: PingerPorts;
  readonly #intervalMs: number;
  #cancel: (() => void) | undefined;
  #sent = false;
  #received = false;
  #waiting = false;

  constructor(ports: PingerPorts, keepAliveSeconds: number) {
    this.#ports = ports;
    this.#intervalMs = keepAliveSeconds * 500;
    if (keepAliveSeconds > 0) this.#schedule();
  }

  sent(): void {
    this.#sent = true;
  }

  received(): void {
    this.#received = true;
  }

  stop(): void {
    this.#cancel?.();
  }

  #schedule(): void {
    this.#cancel = this.#ports.after(this.#intervalMs, () => this.#look());
  }

  #look(): void {
    if (this.#waiting && !this.#received) {
      this.#ports.onSilence();
      return;
    }
    this.#waiting = !this.#sent || !this.#received;
    this.#sent = false;
    this.#received = false;
    if (this.#waiting) this.#ports.sendPing();
    this.#schedule();
  }
}

/** How many QoS 1 and 2 messages may be unacknowledged when the peer announces nothing (§3.1.2.11.3). */
export const DEFAULT_RECEIVE_MAXIMUM = 65_535;

/**
 * The window of MQTT 5 flow control (§4.9). The sender takes a place for each QoS 1 or 2 PUBLISH and frees it at the
 * acknowledgement; at the receiver a failing `take` means the peer overran our Receive Maximum: disconnect with 0x93.
 */
export class FlowWindow {
  readonly receiveMaximum: number;
  #unacknowledged = 0;

  constructor(receiveMaximum: number = DEFAULT_RECEIVE_MAXIMUM) {
    this.receiveMaximum = receiveMaximum;
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  get hasRoom(): boolean {
    return this.#unacknowledged < this.receiveMaximum;
  }

  /** False where the window is full. */
  take(): boolean {
    if (!this.hasRoom) return false;
    this.#unacknowledged++;
    return true;
  }

  /** An acknowledgement too many frees nothing: the window never grows beyond its maximum (§4.9). */
  free(): void {
    if (this.#unacknowledged > 0) this.#unacknowledged--;
  }
}

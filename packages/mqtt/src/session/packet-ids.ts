const LARGEST = 0xffff;

/** Packet identifiers of one direction of one session: 1 to 65,535, never one that is in use [MQTT-2.2.1-3]. */
export class PacketIds {
  readonly #inUse = new Set<number>();
  #last = 0;

  get size(): number {
    return this.#inUse.size;
  }

  /** The next free one, or undefined when all 65,535 are in use. Freed ones come round last, which tells late answers apart. */
  allocate(): number | undefined {
    if (this.#inUse.size >= LARGEST) return undefined;
    do this.#last = this.#last === LARGEST ? 1 : this.#last + 1;
    while (this.#inUse.has(this.#last));
    this.#inUse.add(this.#last);
    return this.#last;
  }

  /** Marks one as in use, as when a stored session is restored; false if it was. */
  reserve(id: number): boolean {
    if (this.#inUse.has(id)) return false;
    this.#inUse.add(id);
    return true;
  }

  release(id: number): boolean {
    return this.#inUse.delete(id);
  }

  has(id: number): boolean {
    return this.#inUse.has(id);
  }
}

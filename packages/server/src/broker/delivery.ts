// What goes out on one connection: QoS 0 at once or not at all, QoS 1 within the client's window and queued behind it.
// Messages of a stored session wait in the store and are read from there page by page; everything else waits here.
import { encodePacket, OutboundTopicAliases, PacketIds, type ProtocolVersion } from "@fleetmint/mqtt";
import type { Clock } from "../kit/clock.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import { type EncodedCopies, publishPacket } from "./encoded-copies.ts";
import { isExpired, sizeOf } from "./message.ts";
import type { Message, StoredMessage } from "./ports.ts";
import type { Wire } from "./wire.ts";

/** What the client said in CONNECT that bounds what it is sent. */
export interface ClientBounds {
  readonly version: ProtocolVersion;
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
}

/** The part of a stored session's queue that a delivery needs. */
export interface StoredQueue {
  read(afterSequence: number, limit: number): Promise<readonly StoredMessage[]>;
  /** Delivered, expired or refused: never to be sent again. */
  done(sequence: number): void;
  /** Message number to packet id, of what was sent to this client before and not acknowledged. */
  readonly sent: ReadonlyMap<number, number>;
}

export interface DeliveryPorts {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly limits: BrokerLimits;
  /** Asked at every delivery. */
  readonly mayReceive: (topic: string) => boolean;
  readonly stored: StoredQueue | undefined;
}

const PAGE = 50;
/** What an alias adds to a packet that carries its topic too. */
const ALIAS_BYTES = 8;

export class Delivery {
  readonly #ports: DeliveryPorts;
  readonly #bounds: ClientBounds;
  readonly #window: number;
  readonly #aliases: OutboundTopicAliases | undefined;
  // Most device connections never get a QoS 1 message, so these are made when they are needed.
  #ids: PacketIds | undefined;
  /** Packet id to the message's number in the store, 0 for one that lives only here. */
  #inflight: Map<number, number> | undefined;
  #waiting: Message[] = NONE;
  #waitingBytes = 0;
  /** Everything up to here in the store was sent on this connection. */
  #lastSequence = 0;
  /** The store holds more than was sent. */
  #behind: boolean;
  #reading = false;
  #stopped = false;

  constructor(ports: DeliveryPorts, bounds: ClientBounds) {
    this.#ports = ports;
    this.#bounds = bounds;
    this.#window = Math.min(bounds.receiveMaximum, ports.limits.inflightPerConnection);
    this.#behind = ports.stored !== undefined;
    const aliases = Math.min(bounds.topicAliasMaximum, ports.limits.topicAliases);
    this.#aliases = aliases > 0 ? new OutboundTopicAliases(aliases) : undefined;
  }

  /** `copies` shares the encoded bytes between subscribers that get the same. */
  sendAtMostOnce(message: Message, copies?: EncodedCopies): void {
    const { wire, mayReceive, clock } = this.#ports;
    // The specification lets QoS 0 be lost, and a client that does not read must not cost memory.
    if (!wire.open || wire.congested || isExpired(message, clock.now()) || !mayReceive(message.topic)) return;
    const shared = this.#aliases === undefined ? copies : undefined;
    const bytes = shared?.encode(message, this.#bounds.version, clock.now()) ?? this.#encode(message);
    if (bytes !== undefined && bytes.length <= this.#bounds.maximumPacketSize) wire.sendBytes(bytes);
  }

  /** A message that lives in this connection's memory only. Beyond the limit the oldest waiting ones are dropped. */
  sendAtLeastOnce(message: Message): void {
    if (this.#hasRoom()) {
      this.#transmit(message, 0);
      return;
    }
    const { queuedPerSession, queuedBytesPerSession } = this.#ports.limits;
    if (this.#waiting === NONE) this.#waiting = [];
    this.#waiting.push(message);
    this.#waitingBytes += sizeOf(message);
    while (this.#waiting.length > queuedPerSession || this.#waitingBytes > queuedBytesPerSession) this.#shiftWaiting();
  }

  /** A message that the store has just taken for this session. Calls come in the order of their sequence. */
  sendStored(message: Message, sequence: number): void {
    if (sequence <= this.#lastSequence) return;
    if (this.#behind || this.#reading || !this.#hasRoom()) {
      this.#behind = true;
      this.#catchUp();
      return;
    }
    this.#lastSequence = sequence;
    this.#transmit(message, sequence);
  }

  isInflight(packetId: number): boolean {
    return this.#inflight?.has(packetId) === true;
  }

  /** PUBACK. One for an id that is not under way is no harm: it may answer a copy sent twice. */
  acknowledged(packetId: number): void {
    const sequence = this.#inflight?.get(packetId);
    if (sequence === undefined) return;
    this.#inflight?.delete(packetId);
    this.#ids?.release(packetId);
    if (sequence > 0) this.#ports.stored?.done(sequence);
    this.proceed();
  }

  /** Sends what waited: at the start of a session, after an acknowledgement, when the socket has drained. */
  proceed(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) this.#transmit(this.#shiftWaiting(), 0);
    this.#catchUp();
  }

  /** Ends; answers number and packet id of the stored messages that were sent and not acknowledged. */
  stop(): ReadonlyMap<number, number> {
    this.#stopped = true;
    this.#waiting = NONE;
    // Those of an earlier connection that this one did not come to send again stay promised.
    const sent = new Map([...(this.#ports.stored?.sent ?? [])].filter(([sequence]) => sequence > this.#lastSequence));
    for (const [packetId, sequence] of this.#inflight ?? []) if (sequence > 0) sent.set(sequence, packetId);
    return sent;
  }

  #hasRoom(): boolean {
    return (this.#inflight?.size ?? 0) < this.#window && !this.#ports.wire.congested;
  }

  #shiftWaiting(): Message {
    const message = this.#waiting.shift() as Message;
    this.#waitingBytes -= sizeOf(message);
    return message;
  }

  #catchUp(): void {
    if (!this.#behind || this.#reading || this.#stopped || !this.#hasRoom()) return;
    this.#reading = true;
    void this.#readPages();
  }

  async #readPages(): Promise<void> {
    try {
      while (this.#behind && !this.#stopped && this.#hasRoom()) await this.#readPage();
    } catch {
      // The store cannot be read now. What it holds stays there, and the next acknowledgement or message tries again.
      this.#behind = true;
    } finally {
      this.#reading = false;
    }
  }

  async #readPage(): Promise<void> {
    const limit = Math.min(PAGE, this.#window - (this.#inflight?.size ?? 0));
    this.#behind = false;
    const page = (await this.#ports.stored?.read(this.#lastSequence, limit)) ?? [];
    if (this.#stopped) return;
    for (const message of page) {
      if (!this.#hasRoom()) {
        this.#behind = true;
        return;
      }
      this.#lastSequence = message.sequence;
      this.#transmit(message, message.sequence);
    }
    if (page.length === limit) this.#behind = true;
  }

  #transmit(message: Message, sequence: number): void {
    const { wire, mayReceive, clock, stored } = this.#ports;
    const wanted = !isExpired(message, clock.now()) && mayReceive(message.topic);
    const before = sequence > 0 ? stored?.sent.get(sequence) : undefined;
    const packetId = before ?? this.#packetIds().allocate();
    if (packetId === undefined) return;
    const bytes = wanted ? this.#encode(message, { packetId, duplicate: before !== undefined }) : undefined;
    if (bytes === undefined) {
      this.#ids?.release(packetId);
      if (sequence > 0) stored?.done(sequence);
      return;
    }
    this.#inflight ??= new Map();
    this.#inflight.set(packetId, sequence);
    wire.sendBytes(bytes);
  }

  /** Ids under which messages will be sent again are taken from the start [MQTT-4.4.0-1]. */
  #packetIds(): PacketIds {
    if (this.#ids === undefined) {
      this.#ids = new PacketIds();
      for (const id of this.#ports.stored?.sent.values() ?? []) this.#ids.reserve(id);
    }
    return this.#ids;
  }

  /** Undefined for a packet that the client does not take [MQTT-3.1.2-24]. */
  #encode(message: Message, sent?: { packetId: number; duplicate: boolean }): Uint8Array | undefined {
    const { version, maximumPacketSize } = this.#bounds;
    const packet = publishPacket(message, this.#ports.clock.now(), sent);
    const plain = encodePacket(packet, version);
    if (plain.length > maximumPacketSize) return undefined;
    if (this.#aliases === undefined || plain.length + ALIAS_BYTES > maximumPacketSize) return plain;
    return encodePacket(this.#aliases.apply(packet), version);
  }
}

const NONE: Message[] = [];

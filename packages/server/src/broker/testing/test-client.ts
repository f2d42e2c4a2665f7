// A client made of packets, for tests that look at exactly what travels. It has no timers: waiting is for packets.
import { type Duplex, duplexPair } from "node:stream";
import {
  type ConnackPacket,
  type ConnectPacket,
  encodePacket,
  type Packet,
  PacketReader,
  type PublishPacket,
  type PublishProperties,
  type QoS,
  type SubackPacket,
  type Subscription,
} from "@fleetmint/mqtt";

type PacketOf<Type extends Packet["type"]> = Extract<Packet, { type: Type }>;

export type ConnectOptions = Partial<Omit<ConnectPacket, "type">>;

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly packetId?: number;
  readonly properties?: PublishProperties;
}

const ROOMY = { packetBytes: 1 << 20, userProperties: 100, filtersPerPacket: 100 };

export class TestClient {
  readonly stream: Duplex;
  /** Packets that arrived and were not taken by `next`. */
  readonly inbox: Packet[] = [];
  /** Sizes of the chunks as they came: one for each write of the server. */
  readonly chunks: number[] = [];
  readonly closed: Promise<void>;
  isClosed = false;
  /** Does not close its side when the server closes its own. */
  stubborn = false;
  readonly #reader = new PacketReader("client", ROOMY);
  #waiting: (() => void)[] = [];
  #packetId = 0;

  constructor(stream: Duplex) {
    this.stream = stream;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    stream.on("data", (chunk: Uint8Array) => {
      this.chunks.push(chunk.length);
      this.#reader.push(chunk, (packet) => this.inbox.push(packet));
      this.#wake();
    });
    stream.on("error", () => {});
    // The peer's end is enough: a test transport has no kernel that would report more.
    for (const event of ["end", "close"]) {
      stream.on(event, () => {
        this.isClosed = true;
        resolve();
        this.#wake();
        if (!this.stubborn) stream.end();
      });
    }
  }

  get version(): 4 | 5 {
    return this.#reader.version;
  }

  /** Sends CONNECT (version 5 unless told) and takes the CONNACK. */
  async connect(options: ConnectOptions = {}): Promise<ConnackPacket> {
    const packet: ConnectPacket = {
      type: "connect",
      version: 5,
      clientId: "client",
      clean: true,
      keepAlive: 0,
      ...options,
    };
    this.#reader.version = packet.version;
    this.send(packet);
    return this.next("connack");
  }

  send(packet: Packet): void {
    this.stream.write(encodePacket(packet, this.#reader.version));
  }

  /** The next packet, which must be of this type. */
  async next<Type extends Packet["type"]>(type: Type): Promise<PacketOf<Type>> {
    while (this.inbox.length === 0 && !this.isClosed) await this.#arrival();
    const packet = this.inbox.shift();
    if (packet?.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(packet) ?? "the end"}`);
    return packet as PacketOf<Type>;
  }

  async subscribe(
    filter: string,
    options: Partial<Subscription> & { identifier?: number } = {},
  ): Promise<SubackPacket> {
    const { identifier, ...rest } = options;
    const defaults = { filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscription: Subscription = { ...defaults, ...rest };
    this.send({
      type: "subscribe",
      packetId: this.nextPacketId(),
      subscriptions: [subscription],
      ...(identifier === undefined ? {} : { subscriptionIdentifier: identifier }),
    });
    return this.next("suback");
  }

  /** Sends a PUBLISH; answers its packet id. QoS 0 unless told. */
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): number {
    const { qos = 0, retain = false, properties = {} } = options;
    const packetId = options.packetId ?? this.nextPacketId();
    const packet = { type: "publish", topic, payload: Buffer.from(payload), qos, retain, duplicate: false } as const;
    this.send(qos === 0 ? { ...packet, properties } : { ...packet, properties, packetId });
    return packetId;
  }

  /** A round trip: whatever the server wrote before is in `inbox` afterwards. */
  async ping(): Promise<void> {
    this.send({ type: "pingreq" });
    const before: Packet[] = [];
    for (;;) {
      while (this.inbox.length === 0 && !this.isClosed) await this.#arrival();
      const packet = this.inbox.shift();
      if (packet === undefined) throw new Error("the connection ended instead of answering a ping");
      if (packet.type === "pingresp") break;
      before.push(packet);
    }
    this.inbox.unshift(...before);
  }

  /** All messages that have come, after a round trip. */
  async messages(): Promise<PublishPacket[]> {
    await this.ping();
    return this.inbox.filter((packet): packet is PublishPacket => packet.type === "publish");
  }

  puback(packetId: number): void {
    this.send({ type: "puback", packetId, reasonCode: 0 });
  }

  /** Vanishes without a word. (To destroy one side of a pair does not tell the other.) */
  async drop(): Promise<void> {
    this.stream.end();
    await settle();
  }

  nextPacketId(): number {
    this.#packetId++;
    return this.#packetId;
  }

  #arrival(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Lets everything run that is ready to run; nothing here waits for time. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(resolve);
    await promise;
  }
}

/** Both ends of a connection in memory. */
export function pair(): [Duplex, Duplex] {
  return duplexPair();
}

export function text(packet: PublishPacket): string {
  return `${packet.topic}=${Buffer.from(packet.payload).toString()}`;
}

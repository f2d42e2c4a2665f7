// A client made of packets and bytes over real TLS, for tests that look at exactly what travels. It has no timers and no manners:
// it sends what it is told, also what a client must not send, and waits for packets.
import type { TcpSocketConnectOpts } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import {
  type ConnackPacket,
  type ConnectPacket,
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
  type PublishPacket,
} from "@fleetmint/mqtt";
import type { Credentials, Target } from "./simulated-device.ts";

type PacketOf<Type extends Packet["type"]> = Extract<Packet, { type: Type }>;
type Outcome<Type extends Packet["type"]> = PacketOf<Type> | undefined;

const ROOMY = { packetBytes: 1 << 20, userProperties: 100, filtersPerPacket: 100 };

/** How to reach the server, beyond what a device would say. */
export type RawTls = ConnectionOptions & Pick<TcpSocketConnectOpts, "localAddress">;

export type RawConnect = Partial<Omit<ConnectPacket, "type">> & { readonly clientId: string };

export interface RawPublish {
  readonly topic: string;
  readonly payload?: Uint8Array | string;
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
}

export class RawConnection implements AsyncDisposable {
  readonly socket: TLSSocket;
  /** Packets that arrived and were not taken by `next`. */
  readonly inbox: Packet[] = [];
  /** Every message that ever arrived. */
  readonly messages: PublishPacket[] = [];
  /** Resolves when the server has closed, or the socket is gone. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** Whether QoS 1 messages are acknowledged as they arrive. */
  acknowledges = true;
  readonly #reader = new PacketReader("client", ROOMY);
  #waiting: (() => void)[] = [];
  #packetId = 0;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on("data", (chunk: Uint8Array) => {
      this.#reader.push(chunk, (packet) => this.#take(packet));
      this.#wake();
    });
    socket.on("error", () => {});
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.isClosed = true;
        resolve();
        this.#wake();
      });
    }
  }

  /** Finishes TLS and says nothing yet. */
  static async open(target: Target, credentials?: Credentials | undefined, tls: RawTls = {}): Promise<RawConnection> {
    return new RawConnection(await openTls(target, credentials, tls));
  }

  get version(): ProtocolVersion {
    return this.#reader.version;
  }

  /** CONNECT with a clean start and without keep-alive unless told; resolves with the CONNACK, whatever it says. */
  async connect(options: RawConnect): Promise<ConnackPacket> {
    this.sendConnect(options);
    return this.next("connack");
  }

  sendConnect(options: RawConnect): void {
    const packet: ConnectPacket = { type: "connect", version: 5, clean: true, keepAlive: 0, ...options };
    this.#reader.version = packet.version;
    this.send(packet);
  }

  send(packet: Packet): void {
    this.write(encodePacket(packet, this.version));
  }

  write(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Sends a message; its packet id where it has one. */
  publish({ topic, payload = "", qos = 0, retain = false }: RawPublish): number | undefined {
    const packetId = qos === 0 ? undefined : this.#nextId();
    this.send({
      type: "publish",
      topic,
      payload: Buffer.from(payload),
      qos,
      retain,
      duplicate: false,
      ...(packetId === undefined ? {} : { packetId }),
      properties: {},
    });
    return packetId;
  }

  /** The code for each filter; undefined where the server closed instead of answering. */
  async subscribe(...filters: readonly string[]): Promise<readonly number[] | undefined> {
    const subscriptions = filters.map((filter) => ({
      filter,
      qos: 1 as const,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
    }));
    this.send({ type: "subscribe", packetId: this.#nextId(), subscriptions });
    return (await this.nextOrEnd("suback"))?.reasonCodes;
  }

  /** Everything that was sent before has been dealt with, and everything that came before has arrived; false after an end. */
  async roundTrip(): Promise<boolean> {
    this.send({ type: "pingreq" });
    return (await this.nextOrEnd("pingresp")) !== undefined;
  }

  /** The next packet of this type, in whatever else arrives; rejects when the connection ends first. */
  async next<Type extends Packet["type"]>(type: Type): Promise<PacketOf<Type>> {
    const packet = await this.nextOrEnd(type);
    if (packet === undefined) throw new Error(`The connection ended before a ${type}.`);
    return packet;
  }

  async nextOrEnd<Type extends Packet["type"]>(type: Type): Promise<Outcome<Type>> {
    for (;;) {
      const at = this.inbox.findIndex((packet) => packet.type === type);
      if (at >= 0) return this.inbox.splice(at, 1)[0] as PacketOf<Type>;
      if (this.isClosed) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Cuts the line without a goodbye. */
  async cut(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #take(packet: Packet): void {
    this.inbox.push(packet);
    if (packet.type !== "publish") return;
    this.messages.push(packet);
    if (packet.packetId !== undefined && this.acknowledges)
      this.send({ type: "puback", packetId: packet.packetId, reasonCode: 0 });
  }

  #nextId(): number {
    this.#packetId = (this.#packetId % 0xffff) + 1;
    return this.#packetId;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** A finished TLS handshake with the server, or its error. */
export function openTls(target: Target, credentials: Credentials | undefined, extra: RawTls = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: target.host,
      port: target.port,
      ca: target.caPem,
      ALPNProtocols: ["x-amzn-mqtt-ca"],
      ...(credentials === undefined ? {} : { cert: credentials.certificatePem, key: credentials.privateKeyPem }),
      ...extra,
    });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

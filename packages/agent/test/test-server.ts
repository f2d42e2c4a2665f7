import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer, type SecureVersion, type Server, type TLSSocket } from "node:tls";
import {
  type ConnackPacket,
  type ConnectPacket,
  encodePacket,
  NO_PROPERTIES,
  type Packet,
  PacketReader,
  type PublishPacket,
} from "@fleetmint/mqtt";
import { generateEcKey, certificateId as idOf, parseCsr, verifyCsr } from "@fleetmint/pki";
import { decodePayload, type ErrorResponse, encodePayload, parseRequestTopic } from "@fleetmint/wire";
import type { Leaf, TestCa } from "./test-ca.ts";

interface Token {
  readonly certificateId: string;
  readonly renews: string | undefined;
  redeemedWith: string | undefined;
  thingName: string | undefined;
}

export interface TestServerOptions {
  readonly ca: TestCa;
  /** The server's own certificate; for "localhost" from the CA unless told. */
  readonly certificate?: Leaf;
  /** What it sends above its own certificate; the issuing CA unless told. */
  readonly chainPem?: string;
  readonly deviceValidForSeconds?: number;
  readonly maxVersion?: SecureVersion;
}

/** Turns one exchange into something else; the first that answers wins. Undefined lets it go on. */
export interface Interference {
  onConnect?(packet: ConnectPacket, server: TestServer): Partial<ConnackPacket> | undefined;
  onRequest?(
    operation: string,
    request: Readonly<Record<string, unknown>>,
  ): ErrorResponse | "cut" | "silence" | undefined;
  /** Instead of the acknowledgement. */
  onHeartbeat?(): "cut" | undefined;
  /** After the server has done its work, instead of the answer. */
  onAnswer?(operation: string): "cut" | undefined;
}

/** A server that knows the three operations of fleet provisioning and renewal, one template, and any claim of its CA. */
export class TestServer {
  readonly claims = new Set<string>();
  /** Certificate id → thing name; those that may connect as a device. */
  readonly devices = new Map<string, string>();
  readonly issued: string[] = [];
  readonly connects: { clientId: string; certificateId: string; version: number }[] = [];
  readonly requests: string[] = [];
  readonly heartbeats: PublishPacket[] = [];
  /** Client ids that said good-bye. */
  readonly disconnects: string[] = [];
  readonly sockets = new Set<TLSSocket>();
  interference: Interference = {};
  readonly #watchers = new Set<() => void>();
  readonly #tokens = new Map<string, Token>();
  readonly #options: TestServerOptions;
  readonly #server: Server;

  private constructor(options: TestServerOptions) {
    this.#options = options;
    const own = options.certificate ?? options.ca.leaf({ profile: "server", commonName: "server", dns: ["localhost"] });
    this.#server = createServer(
      {
        cert: own.certificatePem + (options.chainPem ?? options.ca.issuingPem),
        key: own.privateKeyPem,
        noDelay: true,
        ...(options.maxVersion === undefined ? {} : { maxVersion: options.maxVersion }),
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["x-amzn-mqtt-ca", "mqtt"],
      },
      (socket) => this.#accept(socket),
    );
    this.#server.on("tlsClientError", () => {});
  }

  static async start(options: TestServerOptions): Promise<TestServer> {
    const server = new TestServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A claim that this server accepts. */
  claim(validForSeconds?: number): Leaf {
    const options = validForSeconds === undefined ? {} : { validForSeconds };
    const leaf = this.#options.ca.leaf({ profile: "claim", commonName: "claim", ...options });
    this.claims.add(leaf.certificateId);
    return leaf;
  }

  /** Resolves when the condition holds; looked at whenever something has happened here. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  happened(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** A renewed identity has connected: the thing's other certificates end. */
  endOthers(certificateId: string): void {
    const thingName = this.devices.get(certificateId);
    for (const [id, name] of [...this.devices]) {
      if (name === thingName && id !== certificateId) this.devices.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: TLSSocket): void {
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    const certificate = socket.getPeerX509Certificate();
    const session = new Session(this, socket, certificate === undefined ? "" : idOf(certificate.raw));
    socket.on("data", (chunk) => session.read(chunk));
  }

  /** One operation's answer. */
  operate(session: Session, topic: string, payload: Uint8Array): void {
    const operation = parseRequestTopic(topic);
    if (operation === undefined) return;
    this.requests.push(operation.kind);
    const request = decodePayload(operation.format, payload);
    const interfered = this.interference.onRequest?.(operation.kind, request);
    if (interfered === "cut") session.cut();
    if (interfered === "cut" || interfered === "silence") return;
    const answer = interfered ?? this.#answer(session, operation.kind, request);
    const suffix = "statusCode" in answer ? "rejected" : "accepted";
    if (this.interference.onAnswer?.(operation.kind) === "cut") session.cut();
    else session.deliver(`${topic}/${suffix}`, encodePayload(operation.format, answer));
  }

  #answer(session: Session, kind: string, request: Readonly<Record<string, unknown>>): object {
    if (kind === "create-keys") return this.#createKeys(session);
    if (kind === "create-from-csr") return this.#createFromCsr(session, `${request["certificateSigningRequest"]}`);
    const token = this.#tokens.get(`${request["certificateOwnershipToken"]}`);
    if (token === undefined)
      return rejection(400, "InvalidCertificateOwnershipToken", "No such token. [token_unknown]");
    const { SerialNumber } = (request["parameters"] ?? {}) as Record<string, string>;
    return kind === "renew" ? this.#renew(session, token) : this.#register(token, SerialNumber);
  }

  #createKeys(session: Session): object {
    const key = generateEcKey();
    return { ...this.#issue(session, key.spki), privateKey: key.privateKeyPem };
  }

  #createFromCsr(session: Session, pem: string): object {
    return this.#issue(session, verifyCsr(parseCsr(pem)).spki);
  }

  #issue(session: Session, spki: Uint8Array): object {
    const { ca, deviceValidForSeconds } = this.#options;
    const { certificatePem, certificateId } = ca.certify(spki, {
      profile: "device",
      commonName: "device",
      ...(deviceValidForSeconds === undefined ? {} : { validForSeconds: deviceValidForSeconds }),
    });
    this.issued.push(certificateId);
    const certificateOwnershipToken = randomBytes(32).toString("base64url");
    const renews = this.devices.get(session.certificateId);
    this.#tokens.set(certificateOwnershipToken, {
      certificateId,
      renews,
      redeemedWith: undefined,
      thingName: undefined,
    });
    return { certificateId, certificatePem, certificateOwnershipToken };
  }

  #register(token: Token, serial: string | undefined): object {
    if (serial === undefined) {
      return rejection(400, "InvalidParameters", "The template needs SerialNumber; send it. [parameter_missing]");
    }
    if (token.redeemedWith !== undefined && token.redeemedWith !== serial) {
      return rejection(400, "InvalidCertificateOwnershipToken", "The token was redeemed. [token_already_used]");
    }
    const thingName = `thing-${serial}`;
    const owner = [...this.devices].find(([id, name]) => name === thingName && id !== token.certificateId);
    if (owner !== undefined) {
      return rejection(403, "AccessDenied", `The thing ${thingName} has a certificate. [thing_already_provisioned]`);
    }
    token.redeemedWith = serial;
    this.devices.set(token.certificateId, thingName);
    return { thingName, deviceConfiguration: { region: "test" } };
  }

  #renew(session: Session, token: Token): object {
    const thingName = this.devices.get(session.certificateId);
    if (thingName === undefined || token.renews !== thingName) {
      return rejection(403, "AccessDenied", "Not this device's token. [token_principal_mismatch]");
    }
    this.devices.set(token.certificateId, thingName);
    return { thingName };
  }
}

class Session {
  readonly certificateId: string;
  readonly #server: TestServer;
  readonly #socket: TLSSocket;
  readonly #reader = new PacketReader("server", { packetBytes: 128 * 1024, userProperties: 8, filtersPerPacket: 8 });
  #packetId = 0;
  #clientId = "";

  constructor(server: TestServer, socket: TLSSocket, certificateId: string) {
    this.#server = server;
    this.#socket = socket;
    this.certificateId = certificateId;
  }

  read(chunk: Buffer): void {
    this.#reader.push(chunk, (packet) => this.#handle(packet));
    this.#server.happened();
  }

  deliver(topic: string, payload: Uint8Array): void {
    const packetId = ++this.#packetId;
    this.#send({
      type: "publish",
      topic,
      payload,
      qos: 1,
      packetId,
      retain: false,
      duplicate: false,
      properties: NO_PROPERTIES,
    });
  }

  cut(): void {
    this.#socket.destroy();
  }

  #handle(packet: Packet): void {
    if (packet.type === "connect") this.#connect(packet);
    else if (packet.type === "publish") this.#publish(packet);
    else if (packet.type === "pingreq") this.#send({ type: "pingresp" });
    else if (packet.type === "disconnect") this.#disconnect();
    else if (packet.type === "subscribe") {
      this.#send({ type: "suback", packetId: packet.packetId, reasonCodes: packet.subscriptions.map(() => 1) });
    }
  }

  #disconnect(): void {
    this.#server.disconnects.push(this.#clientId);
    this.#socket.end();
  }

  #connect(packet: ConnectPacket): void {
    this.#clientId = packet.clientId;
    const { certificateId } = this;
    this.#server.connects.push({ clientId: packet.clientId, certificateId, version: packet.version });
    const known = this.#server.claims.has(certificateId) || this.#server.devices.has(certificateId);
    const refused: Partial<ConnackPacket> =
      packet.version === 5
        ? { reasonCode: 0x87, reasonString: "Not known here. [certificate_unknown]" }
        : { reasonCode: 5 };
    const answer = this.#server.interference.onConnect?.(packet, this.#server) ?? (known ? {} : refused);
    const connack: ConnackPacket = { type: "connack", sessionPresent: false, reasonCode: 0, ...answer };
    this.#send(connack);
    if (connack.reasonCode !== 0) this.#socket.end();
    else this.#server.endOthers(certificateId);
  }

  #publish(packet: PublishPacket): void {
    const isBeat = packet.topic.endsWith("/heartbeat");
    if (isBeat) this.#server.heartbeats.push(packet);
    if (isBeat && this.#server.interference.onHeartbeat?.() === "cut") this.#socket.end();
    else if (packet.packetId !== undefined) this.#send({ type: "puback", packetId: packet.packetId, reasonCode: 0 });
    if (!isBeat) this.#server.operate(this, packet.topic, packet.payload);
  }

  #send(packet: Packet): void {
    if (this.#socket.writable) this.#socket.write(encodePacket(packet, this.#reader.version));
  }
}

export function rejection(statusCode: number, errorCode: string, errorMessage: string): ErrorResponse {
  return { statusCode, errorCode, errorMessage };
}

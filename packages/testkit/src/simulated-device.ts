// A device in the test's own process: real TLS, real MQTT, no patience and no storage.
import type { ConnectionOptions } from "node:tls";
import { type ConnackPacket, MqttClient, type ProtocolVersion, type PublishPacket, type Will } from "@fleetmint/mqtt";
import { buildCsr, fileSigner, generateEcKey } from "@fleetmint/pki";
import {
  awsTopics,
  decodePayload,
  type ErrorResponse,
  encodePayload,
  type PayloadFormat,
  type RegisterThingResponse,
  type RequestTopics,
} from "@fleetmint/wire";
import { openTls } from "./raw-connection.ts";

/** What a device connects with. */
export interface Credentials {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly caPem: string;
}

export interface SimulatedConnect {
  readonly clientId: string;
  readonly version?: ProtocolVersion;
  readonly clean?: boolean;
  readonly sessionExpiryInterval?: number;
  readonly keepAlive?: number;
  readonly will?: Will;
  readonly tls?: ConnectionOptions;
}

/** The server said `…/rejected`. */
export class Rejected extends Error {
  override readonly name = "Rejected";
  readonly response: ErrorResponse;

  constructor(response: ErrorResponse) {
    super(response.errorMessage);
    this.response = response;
  }

  /** Our reason code, from the end of the message. */
  get reason(): string | undefined {
    return /\[(\w+)\]$/.exec(this.response.errorMessage)?.[1];
  }
}

/** CONNACK refused. */
export class ConnectRefused extends Error {
  override readonly name = "ConnectRefused";
  readonly connack: ConnackPacket;

  constructor(connack: ConnackPacket) {
    super(`CONNACK ${connack.reasonCode}: ${connack.reasonString ?? "no reason string"}`);
    this.connack = connack;
  }
}

/** One live connection. */
export class SimulatedDevice implements AsyncDisposable {
  readonly client: MqttClient;
  readonly connack: ConnackPacket;
  readonly clientId: string;
  /** Everything that arrived, in order. */
  readonly received: PublishPacket[];
  readonly #waiters: Set<() => void>;

  private constructor(parts: {
    client: MqttClient;
    connack: ConnackPacket;
    clientId: string;
    received: PublishPacket[];
    waiters: Set<() => void>;
  }) {
    this.client = parts.client;
    this.connack = parts.connack;
    this.clientId = parts.clientId;
    this.received = parts.received;
    this.#waiters = parts.waiters;
  }

  /** Connects; throws ConnectRefused where CONNACK refuses. */
  static async connect(
    target: Target,
    credentials: Credentials | undefined,
    options: SimulatedConnect,
  ): Promise<SimulatedDevice> {
    const stream = await openTls(target, credentials, options.tls);
    const received: PublishPacket[] = [];
    const waiters = new Set<() => void>();
    const client = new MqttClient({
      stream,
      after: (delayMs, action) => {
        const timer = setTimeout(action, delayMs);
        return () => clearTimeout(timer);
      },
      onMessage: (packet) => {
        received.push(packet);
        for (const wake of waiters) wake();
      },
    });
    void client.closed.then(() => {
      for (const wake of waiters) wake();
    });
    const { tls: _tls, ...connect } = options;
    const connack = await client.connect(connect);
    if (connack.reasonCode !== 0) throw new ConnectRefused(connack);
    return new SimulatedDevice({ client, connack, clientId: options.clientId, received, waiters });
  }

  /** Asks on one of the provisioning topics and waits for the answer on this connection. */
  async request(topics: RequestTopics, format: PayloadFormat, body: object): Promise<Record<string, unknown>> {
    await this.client.subscribe([{ filter: topics.accepted }, { filter: topics.rejected }]);
    return this.requestSubscribed(topics, format, body);
  }

  /** The same where the subscriptions exist already. */
  async requestSubscribed(
    topics: RequestTopics,
    format: PayloadFormat,
    body: object,
  ): Promise<Record<string, unknown>> {
    const answered = this.nextMessage((packet) => packet.topic === topics.accepted || packet.topic === topics.rejected);
    // A connection that ends rejects both; the answer's error is the one to report.
    answered.catch(() => undefined);
    await this.client.publish({ topic: topics.request, payload: encodePayload(format, body), qos: 1 });
    const answer = await answered;
    const fields = decodePayload(format, answer.payload);
    if (answer.topic === topics.rejected) throw new Rejected(fields as unknown as ErrorResponse);
    return { ...fields };
  }

  /** The next message that fits, counted from now. Rejects when the connection ends first. */
  nextMessage(fits: (packet: PublishPacket) => boolean): Promise<PublishPacket> {
    let seen = this.received.length;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        for (; seen < this.received.length; seen++) {
          const packet = this.received[seen]!;
          if (!fits(packet)) continue;
          this.#waiters.delete(look);
          resolve(packet);
          return;
        }
        if (this.client.end !== undefined) {
          this.#waiters.delete(look);
          reject(new Error(`The connection ended: ${JSON.stringify(this.client.end)}`));
        }
      };
      this.#waiters.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.disconnect().catch(() => undefined);
  }
}

/** A certificate for a key that this process made. */
export interface ObtainedCertificate extends Credentials {
  readonly certificateId: string;
  readonly ownershipToken: string;
}

/** CreateCertificateFromCsr with a fresh P-256 key. */
export async function createFromCsr(
  device: SimulatedDevice,
  format: PayloadFormat = "json",
): Promise<ObtainedCertificate> {
  const key = generateEcKey();
  const { pem } = await buildCsr({ subject: { commonName: "simulated" } }, fileSigner(key.privateKey));
  const answer = await device.request(awsTopics.createFromCsr(format), format, { certificateSigningRequest: pem });
  return { ...obtained(answer), privateKeyPem: key.privateKeyPem };
}

/** CreateKeysAndCertificate. */
export async function createKeys(
  device: SimulatedDevice,
  format: PayloadFormat = "json",
  body: object = {},
): Promise<ObtainedCertificate> {
  const answer = await device.request(awsTopics.createKeys(format), format, body);
  return { ...obtained(answer), privateKeyPem: answer["privateKey"] as string };
}

export async function registerThing(
  device: SimulatedDevice,
  request: {
    readonly template: string;
    readonly token: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly format?: PayloadFormat;
  },
): Promise<RegisterThingResponse> {
  const format = request.format ?? "json";
  const body = { certificateOwnershipToken: request.token, parameters: request.parameters };
  return (await device.request(
    awsTopics.registerThing(request.template, format),
    format,
    body,
  )) as unknown as RegisterThingResponse;
}

/** The whole claim flow on one claim connection; the identity is not connected with yet. */
export async function provision(
  target: Target,
  claim: Credentials,
  request: {
    readonly clientId: string;
    readonly template: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly version?: ProtocolVersion;
    readonly format?: PayloadFormat;
  },
): Promise<ObtainedCertificate & { readonly thingName: string | undefined }> {
  await using device = await SimulatedDevice.connect(target, claim, {
    clientId: request.clientId,
    version: request.version ?? 5,
  });
  const certificate = await createFromCsr(device, request.format);
  const { template, parameters } = request;
  const registered = await registerThing(device, {
    template,
    parameters,
    token: certificate.ownershipToken,
    format: request.format ?? "json",
  });
  return { ...certificate, thingName: registered.thingName };
}

function obtained(answer: Record<string, unknown>): {
  certificateId: string;
  certificatePem: string;
  ownershipToken: string;
} {
  return {
    certificateId: answer["certificateId"] as string,
    certificatePem: answer["certificatePem"] as string,
    ownershipToken: answer["certificateOwnershipToken"] as string,
  };
}

// A device as a firmware would write it: it keeps its key and whatever it was told, and tries again until it has an identity.
import { connect as connectTcp, type Socket } from "node:net";
import { buildCsr, fileSigner, generateEcKey } from "@fleetmint/pki";
import { awsTopics, type RegisterThingResponse } from "@fleetmint/wire";
import { type Credentials, registerThing, SimulatedDevice, type Target } from "../simulated-device.ts";

/** What the server answered and the device therefore relies on. */
export interface Acknowledged {
  /** Every certificate it was ever sent, the newest last. */
  readonly certificates: { readonly certificateId: string; readonly certificatePem: string; readonly token: string }[];
  thing: RegisterThingResponse | undefined;
}

export interface PersistentDeviceOptions {
  readonly claim: Credentials;
  readonly serialNumber: string;
  readonly template?: string;
}

export class PersistentDevice {
  readonly acknowledged: Acknowledged = { certificates: [], thing: undefined };
  readonly #options: PersistentDeviceOptions;
  readonly #key = generateEcKey();
  #socket: Socket | undefined;
  /** Called as soon as an answer was understood. */
  onAnswer: (answer: "certificate" | "thing") => void = () => undefined;

  constructor(options: PersistentDeviceOptions) {
    this.#options = options;
  }

  /**
   * One try over one connection: a certificate unless it has one, then the thing. With the same token and parameters as before, so
   * that a try after success must get the same answer.
   */
  async attempt(target: Target): Promise<RegisterThingResponse> {
    await using connection = await this.#connect(target, this.#options.claim);
    if (this.acknowledged.certificates.length === 0) await this.#requestCertificate(connection);
    const answer = await registerThing(connection, {
      template: this.#options.template ?? "simple",
      token: this.acknowledged.certificates.at(-1)!.token,
      parameters: { SerialNumber: this.#options.serialNumber },
    });
    this.acknowledged.thing ??= answer;
    this.onAnswer("thing");
    return answer;
  }

  /** Connects with the identity it was given; throws where that is refused. */
  async connectAsItself(target: Target): Promise<void> {
    const { certificatePem } = this.acknowledged.certificates.at(-1)!;
    await using _connection = await this.#connect(target, { certificatePem, privateKeyPem: this.#key.privateKeyPem });
  }

  /** The cable is pulled. */
  cutOff(): void {
    this.#socket?.destroy();
  }

  async #requestCertificate(connection: SimulatedDevice): Promise<void> {
    const { pem } = await buildCsr({ subject: { commonName: "persistent" } }, fileSigner(this.#key.privateKey));
    const answer = await connection.request(awsTopics.createFromCsr("json"), "json", {
      certificateSigningRequest: pem,
    });
    this.acknowledged.certificates.push({
      certificateId: answer["certificateId"] as string,
      certificatePem: answer["certificatePem"] as string,
      token: answer["certificateOwnershipToken"] as string,
    });
    this.onAnswer("certificate");
  }

  async #connect(target: Target, credentials: Credentials): Promise<SimulatedDevice> {
    const socket = connectTcp({ host: target.host, port: target.port });
    this.#socket = socket;
    // The TLS layer reports a failure of its socket; nobody else listens here.
    socket.on("error", () => undefined);
    return SimulatedDevice.connect(target, credentials, {
      clientId: this.#options.serialNumber,
      tls: { socket },
    });
  }
}

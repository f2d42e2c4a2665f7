// A broker in memory with everything around it under the test's hand: who is who, what they may do, what changes, when.
import { type Clock, ManualClock } from "../../kit/clock.ts";
import { Fault } from "../../kit/fault.ts";
import { silentLog } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import type { FaultCode } from "../../vocabulary/faults.ts";
import type { CertificateId, ClaimId, ThingName } from "../../vocabulary/ids.ts";
import { type Broker, type BrokerSettings, createBroker } from "../broker.ts";
import type { BrokerPorts } from "../context.ts";
import { MemoryRetainedStore, MemorySessionStore } from "../memory-stores.ts";
import { openAuthorizer } from "../open-admission.ts";
import type {
  Admission,
  Admitted,
  Authorizer,
  Change,
  Changes,
  ConnectionEvents,
  ConnectRequest,
  ReservedRequest,
  ReservedTopics,
} from "../ports.ts";
import { type ConnectOptions, pair, settle, TestClient } from "./test-client.ts";

/** What the tests call certificates: `claim:C1`, `device:lamp`. */
export type Identity = `claim:${string}` | `device:${string}`;

export class TestAdmission implements Admission {
  /** Identities that are refused, and why. */
  readonly refused = new Map<Identity, FaultCode>();
  /** What an identity may do that differs from everything. */
  readonly permissions = new Map<Identity, Partial<Authorizer>>();
  readonly notAfterMs = new Map<Identity, number>();
  readonly requests: ConnectRequest[] = [];
  /** Whose certificate it is. In memory a certificate is its owner's name. */
  identify = (der: Uint8Array): string => Buffer.from(der).toString();
  /** Runs between the verdict and the answer: the moment in which the world may change. */
  afterVerdict: () => Promise<void> = async () => {};

  async admit(request: ConnectRequest): Promise<Admitted> {
    this.requests.push(request);
    const admitted = this.#judge(request);
    await this.afterVerdict();
    return admitted;
  }

  async readmit(request: ConnectRequest): Promise<Admitted> {
    return this.#judge(request);
  }

  #judge({ certificateDer }: ConnectRequest): Admitted {
    if (certificateDer === undefined) throw new Fault("certificate_missing");
    const identity = this.identify(certificateDer) as Identity;
    const code = this.refused.get(identity);
    if (code !== undefined) throw new Fault(code);
    const [kind, name = ""] = identity.split(":");
    const certificateId = identity as string as CertificateId;
    const claimId = kind === "claim" ? (name as ClaimId) : undefined;
    const thingName = kind === "claim" ? undefined : (name as ThingName);
    return {
      principal:
        claimId === undefined
          ? { kind: "device", certificateId, thingName }
          : { kind: "claim", claimId, certificateId },
      authorizer: { ...openAuthorizer, ...this.permissions.get(identity) },
      notAfterMs: this.notAfterMs.get(identity) ?? Number.POSITIVE_INFINITY,
      certificateId,
      claimId,
      thingName,
    };
  }
}

export class TestChanges implements Changes {
  #log: Change[] = [];
  #latest = 0;
  readonly #listeners = new Set<() => void>();

  async since(sequence: number): Promise<readonly Change[]> {
    return this.#log.filter((change) => change.sequence > sequence).slice(0, 1000);
  }

  async latest(): Promise<number> {
    return this.#latest;
  }

  onNudge(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As another process would: only the poll can find it. */
  record(kind: Change["kind"], id: string): void {
    this.#log.push({ sequence: ++this.#latest, kind, id });
  }

  /** As a store does whose log has reached its limit. */
  trim(keep: number): void {
    this.#log = this.#log.slice(-keep);
  }

  nudge(): void {
    for (const listener of this.#listeners) listener();
  }
}

export class TestEvents implements ConnectionEvents {
  /** `connected ID`, `disconnected ID reason`, `refused ID-or-address code`. */
  readonly lines: string[] = [];
  readonly messages: string[] = [];

  connected(admitted: Admitted): void {
    this.lines.push(`connected ${admitted.certificateId}`);
  }

  disconnected(admitted: Admitted, _request: ConnectRequest, reason: string): void {
    this.lines.push(`disconnected ${admitted.certificateId} ${reason}`);
  }

  refused(admitted: Admitted | undefined, request: { remoteAddress: string }, code: FaultCode, message: string): void {
    this.lines.push(`refused ${admitted?.certificateId ?? request.remoteAddress} ${code}`);
    this.messages.push(message);
  }
}

/** Answers every request under `$aws/`, with what the test says. */
export class TestReserved implements ReservedTopics {
  readonly requests: ReservedRequest[] = [];
  answer: (request: ReservedRequest) => Promise<void> = async () => {};

  accepts(topic: string): boolean {
    return topic.startsWith("$aws/");
  }

  async handle(request: ReservedRequest): Promise<void> {
    this.requests.push(request);
    await this.answer(request);
  }
}

/** The time of one process: when that is killed, nothing it had planned happens any more. */
class ProcessClock implements Clock {
  readonly #clock: Clock;
  killed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  after(delayMs: number, action: () => void): () => void {
    return this.#clock.after(delayMs, () => {
      if (!this.killed) action();
    });
  }
}

export class TestWorld {
  readonly clock = new ManualClock();
  readonly admission = new TestAdmission();
  readonly changes = new TestChanges();
  readonly events = new TestEvents();
  readonly reserved = new TestReserved();
  sessions = new MemorySessionStore();
  retained = new MemoryRetainedStore();
  broker!: Broker;
  #process: ProcessClock | undefined;

  static async start(settings: BrokerSettings = {}, ports: Partial<BrokerPorts> = {}): Promise<TestWorld> {
    const world = new TestWorld();
    await world.restart(settings, ports);
    return world;
  }

  /** A new broker on the same stores, as after a kill and a restart of the process. */
  async restart(settings: BrokerSettings = {}, ports: Partial<BrokerPorts> = {}): Promise<void> {
    if (this.#process !== undefined) this.#process.killed = true;
    this.#process = new ProcessClock(this.clock);
    this.broker = await createBroker({ ...this.#ports(this.#process), ...ports }, settings);
  }

  /** A socket that has sent nothing yet. */
  dial(identity: Identity | undefined, remoteAddress = "192.0.2.1"): TestClient {
    const [near, far] = pair();
    const certificateDer = identity === undefined ? {} : { certificateDer: Buffer.from(identity) };
    this.broker.attach(far, { remoteAddress, ...certificateDer });
    return new TestClient(near);
  }

  /** A connected client. */
  async client(identity: Identity, options: ConnectOptions = {}): Promise<TestClient> {
    const client = this.dial(identity);
    const connack = await client.connect(options);
    if (connack.reasonCode !== 0) throw new Error(`${identity} was refused: ${JSON.stringify(connack)}`);
    return client;
  }

  /** Moves the clock in steps, so that what a tick starts is done before the next. */
  async advance(byMs: number): Promise<void> {
    for (let left = byMs; left > 0; left -= 250) {
      this.clock.advance(Math.min(left, 250));
      await settle();
    }
  }

  #ports(clock: Clock): BrokerPorts {
    const { admission, changes, events, reserved, sessions, retained } = this;
    return { clock, admission, changes, events, reserved, sessions, retained, random: systemRandom(), log: silentLog };
  }
}

// Who is connected, found by what may change about them: certificate, claim, thing. A change in the store is looked up
// here and everyone concerned is judged anew, so that revoking bites on connections that exist and not only on new ones.
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import type { Log } from "../kit/log.ts";
import type { BrokerLimits } from "./broker-limits.ts";
import type { Admission, Admitted, Change, Changes, ConnectRequest } from "./ports.ts";

/** The part of a connection that is judged anew. */
export interface LiveConnection {
  readonly request: ConnectRequest;
  readonly admitted: Admitted;
  /** The verdict changed: permissions and expiry from now on. */
  readmitted(admitted: Admitted): void;
  /** The verdict is no: ends the connection with the reason. */
  refuse(fault: Fault): void;
}

export interface LivePorts {
  readonly changes: Changes;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly log: Log;
}

type Index = Map<string, Set<LiveConnection> | LiveConnection>;

const PAGE = 1_000;
/** Changes remembered for connections that were being admitted while they came. */
const RECENT = 4_096;
/** Readmissions under way at once: enough to keep the store busy, too few to starve new connections. */
const PARALLEL = 64;

export class LiveConnections {
  readonly #ports: LivePorts;
  readonly #limits: BrokerLimits;
  readonly #certificates: Index = new Map();
  readonly #claims: Index = new Map();
  readonly #things: Index = new Map();
  readonly #all = new Set<LiveConnection>();
  #position = 0;
  #recent: Change[] = [];
  #reading: Promise<void> | undefined;
  #nudged = false;
  #stop: (() => void)[] = [];

  constructor(ports: LivePorts, limits: BrokerLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Every change up to this number has been acted on. */
  get position(): number {
    return this.#position;
  }

  async start(): Promise<void> {
    this.#position = await this.#ports.changes.latest();
    this.#stop = [this.#ports.changes.onNudge(this.#look), this.#poll()];
  }

  stop(): void {
    for (const stop of this.#stop) stop();
    this.#stop = [];
  }

  add(connection: LiveConnection): void {
    const { certificateId, claimId, thingName } = connection.admitted;
    this.#all.add(connection);
    insert(this.#certificates, certificateId, connection);
    if (claimId !== undefined) insert(this.#claims, claimId, connection);
    if (thingName !== undefined) insert(this.#things, thingName, connection);
  }

  remove(connection: LiveConnection): void {
    const { certificateId, claimId, thingName } = connection.admitted;
    this.#all.delete(connection);
    erase(this.#certificates, certificateId, connection);
    if (claimId !== undefined) erase(this.#claims, claimId, connection);
    if (thingName !== undefined) erase(this.#things, thingName, connection);
  }

  [Symbol.iterator](): IterableIterator<LiveConnection> {
    return this.#all.values();
  }

  /**
   * Whether a change since `position` concerns a verdict given meanwhile. A connection asks after it has registered
   * here: what came before that, this tells; what comes after, finds it in the index. Between the two is no gap.
   */
  changedSince(position: number, admitted: Admitted): boolean {
    if (position === this.#position) return false;
    const oldest = this.#recent[0]?.sequence ?? Number.POSITIVE_INFINITY;
    if (position + 1 < oldest) return true;
    // From the newest back: of thousands remembered, those since a CONNECT began are a few.
    for (let at = this.#recent.length - 1; at >= 0; at--) {
      const change = this.#recent[at] as Change;
      if (change.sequence <= position) return false;
      if (concerns(change, admitted)) return true;
    }
    return false;
  }

  /** Reads and acts on what is new; resolves when everything there was is done. */
  catchUp(): Promise<void> {
    this.#nudged = true;
    this.#reading ??= this.#readAll();
    return this.#reading;
  }

  readonly #look = (): void => {
    void this.catchUp();
  };

  #poll(): () => void {
    let cancel = () => {};
    const again = () => {
      cancel = this.#ports.clock.after(this.#limits.changePollMs, () => {
        this.#look();
        again();
      });
    };
    again();
    return () => cancel();
  }

  async #readAll(): Promise<void> {
    try {
      while (this.#nudged) {
        this.#nudged = false;
        await this.#readPages();
      }
    } catch (error) {
      // The next poll tries again. Nobody is let in or kept by mistake: CONNECT asks the store itself.
      this.#ports.log.error("changes cannot be read", { error });
    } finally {
      this.#reading = undefined;
    }
  }

  async #readPages(): Promise<void> {
    for (;;) {
      const changes = await this.#ports.changes.since(this.#position);
      const [first] = changes;
      if (first === undefined) return;
      // The log is trimmed at its other end. Whoever finds a gap cannot know whom it concerned: everyone is judged anew.
      const gap = first.sequence > this.#position + 1;
      const concerned = gap ? new Set(this.#all) : this.#concerned(changes);
      if (gap) this.#recent = [];
      this.#remember(changes);
      await this.#readmitAll([...concerned]);
      if (changes.length < PAGE) return;
    }
  }

  #remember(changes: readonly Change[]): void {
    this.#recent.push(...changes);
    // In large steps: moving thousands for every handful that came would cost more than the changes themselves.
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
    this.#position = changes.at(-1)?.sequence ?? this.#position;
  }

  #concerned(changes: readonly Change[]): Set<LiveConnection> {
    const concerned = new Set<LiveConnection>();
    for (const { kind, id } of changes) {
      if (kind === "certificate") collect(this.#certificates, id, concerned);
      else if (kind === "claim") collect(this.#claims, id, concerned);
      else if (kind === "thing") collect(this.#things, id, concerned);
      else for (const connection of this.#all) if (isDevice(connection.admitted)) concerned.add(connection);
    }
    return concerned;
  }

  async #readmitAll(connections: readonly LiveConnection[]): Promise<void> {
    for (let at = 0; at < connections.length; at += PARALLEL) {
      await Promise.all(connections.slice(at, at + PARALLEL).map((connection) => this.readmit(connection)));
    }
  }

  /** Asks for a fresh verdict and applies it. */
  async readmit(connection: LiveConnection): Promise<void> {
    const before = connection.admitted;
    try {
      const admitted = await this.#ports.admission.readmit(connection.request, before);
      if (!this.#all.has(connection)) return;
      this.remove(connection);
      connection.readmitted(admitted);
      this.add(connection);
    } catch (error) {
      if (!(error instanceof Fault)) this.#ports.log.error("a connection cannot be judged anew", { error });
      // No verdict is a refusal: a connection that nobody vouches for any more must not go on.
      connection.refuse(error instanceof Fault ? error : new Fault("internal_error", undefined, { cause: error }));
    }
  }
}

function concerns({ kind, id }: Change, admitted: Admitted): boolean {
  switch (kind) {
    case "certificate":
      return id === admitted.certificateId;
    case "claim":
      return id === admitted.claimId;
    case "thing":
      return id === admitted.thingName;
    case "policies":
      return isDevice(admitted);
  }
}

function isDevice({ principal }: Admitted): boolean {
  return principal.kind === "device";
}

// A set for each certificate would cost more than the connection's own entry: almost all have exactly one.
function insert(index: Index, id: string, connection: LiveConnection): void {
  const known = index.get(id);
  if (known === undefined) index.set(id, connection);
  else if (known instanceof Set) known.add(connection);
  else index.set(id, new Set([known, connection]));
}

function erase(index: Index, id: string, connection: LiveConnection): void {
  const known = index.get(id);
  if (known === connection) index.delete(id);
  else if (known instanceof Set && known.delete(connection) && known.size === 0) index.delete(id);
}

function collect(index: Index, id: string, into: Set<LiveConnection>): void {
  const known = index.get(id);
  if (known instanceof Set) for (const connection of known) into.add(connection);
  else if (known !== undefined) into.add(known);
}

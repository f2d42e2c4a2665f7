// One cell of the golden matrix, found out: a subject does something in one protocol version, and this says what came of it.
import assert from "node:assert/strict";
import type { ProtocolVersion } from "@fleetmint/mqtt";
import { type Credentials, RawConnection, recordedFor, type World } from "../src/index.ts";

/**
 * - `ok`: it happened, and others saw it
 * - `refused R`: CONNACK said no        - `ended R`: the connection was ended       - `suback R`: the filter was refused
 * - `dropped R`: a subscription that was granted once was taken away               - `silent`: nothing is delivered
 * - `fresh`: connected, and there was no session to restore
 */
export type Outcome = string;
export const ACTIONS = [
  "connect",
  "publish",
  "subscribe",
  "receive",
  "retain",
  "retainUngranted",
  "will",
  "restore",
] as const;
export type Action = (typeof ACTIONS)[number];

export interface Subject {
  readonly credentials: Credentials | undefined;
  /** Names its topics: `devices/NAME/…`. */
  readonly owner: string;
  /** Where it differs from `owner`, the name that its client id begins with. */
  readonly clientPrefix?: string;
  /** What befalls it, once it has connected or left a session. */
  readonly befalls?: () => Promise<void>;
  readonly undo?: () => void;
  /** Lends it the right to subscribe, for the session that is restored without it. */
  readonly lend?: { begin(): Promise<void>; end(): Promise<void> };
}

/** How each refusal reads on the wire: 3.1.1 return code, MQTT 5 reason code; "not authorized" where nothing else is said. */
const WIRE: Readonly<Record<string, readonly [v4: number, v5: number]>> = {
  certificate_revoked: [5, 0x8a],
  claim_disabled: [5, 0x8a],
  claim_suspended: [3, 0x89],
};
const NOT_AUTHORIZED = [5, 0x87] as const;

/** One cell of the table, tried. */
export class Trial {
  readonly #world: World;
  readonly #observer: RawConnection;
  readonly #subject: Subject;
  readonly #version: ProtocolVersion;
  #clientId: string;
  /** What this trial says, and nobody else. */
  readonly #words: string;

  constructor(
    world: World,
    observer: RawConnection,
    trial: { readonly subject: Subject; readonly version: ProtocolVersion; readonly name: number },
  ) {
    this.#world = world;
    this.#observer = observer;
    this.#subject = trial.subject;
    this.#version = trial.version;
    this.#clientId = `${trial.subject.clientPrefix ?? trial.subject.owner}.${trial.name}`;
    this.#words = `words-${trial.name}`;
  }

  run(action: Action): Promise<Outcome> {
    switch (action) {
      case "connect":
        return this.#connect();
      case "publish":
        return this.#publish("data", false);
      case "subscribe":
        return this.#subscribe();
      case "receive":
        return this.#receive();
      case "retain":
        return this.#publish("kept", true);
      case "retainUngranted":
        return this.#publish("data", true);
      case "will":
        return this.#will();
      case "restore":
        return this.#restore();
    }
  }

  async #connect(): Promise<Outcome> {
    await this.#subject.befalls?.();
    const { owner, clientPrefix } = this.#subject;
    // "On B's topics" means, for CONNECT, under B's name.
    if (clientPrefix !== undefined) this.#clientId = this.#clientId.replace(clientPrefix, owner);
    await using connection = await this.#open();
    const connack = await connection.connect({ clientId: this.#clientId, version: this.#version });
    return connack.reasonCode === 0 ? "ok" : this.#refused(connack);
  }

  async #publish(leaf: string, retain: boolean): Promise<Outcome> {
    await this.#subject.befalls?.();
    const topic = this.#topic(leaf);
    await using connection = await this.#open();
    // Behind CONNECT in one go: whoever is refused must not be heard either.
    connection.sendConnect({ clientId: this.#clientId, version: this.#version });
    connection.publish({ topic, payload: this.#words, qos: 1, retain });
    const connack = await connection.next("connack");
    const puback = connack.reasonCode === 0 ? await connection.nextOrEnd("puback") : undefined;
    const heard = await this.#heard(topic);
    const kept = await this.#isRetained(topic);
    assert.equal(heard, puback !== undefined && puback.reasonCode < 0x80, "heard exactly if acknowledged");
    assert.equal(kept, heard && retain, "retained exactly if it was taken and said so");
    if (connack.reasonCode !== 0) return this.#refused(connack);
    return heard ? "ok" : this.#ended(connection);
  }

  async #subscribe(): Promise<Outcome> {
    await this.#subject.befalls?.();
    await using connection = await this.#open();
    const connack = await connection.connect({ clientId: this.#clientId, version: this.#version });
    if (connack.reasonCode !== 0) return this.#refused(connack);
    const codes = await connection.subscribe(this.#topic("orders"));
    if (codes?.[0] === 1) return "ok";
    const reason = await this.#reason();
    assert.deepEqual(codes, [this.#version === 5 ? 0x87 : 0x80]);
    return `suback ${reason}`;
  }

  async #receive(): Promise<Outcome> {
    const topic = this.#topic("news");
    await using connection = await this.#open();
    const connack = await connection.connect({ clientId: this.#clientId, version: this.#version });
    if (connack.reasonCode !== 0) return this.#refused(connack);
    const granted = (await connection.subscribe("devices/+/news"))?.[0] === 1;
    if (this.#subject.befalls !== undefined) {
      await this.#subject.befalls();
      // It bites within a second of its own accord; what is on record then tells that it has.
      await this.#reason((reason) => granted || reason !== "subscribe_not_authorized");
    }
    await this.#say(topic);
    const alive = await connection.roundTrip();
    if (!alive) return this.#ended(connection);
    if (connection.messages.some((message) => message.topic === topic)) return "ok";
    const isDropped = granted && (await recordedFor(this.#world, this.#clientId)).length > 0;
    return isDropped ? `dropped ${await this.#reason()}` : "silent";
  }

  async #will(): Promise<Outcome> {
    await this.#subject.befalls?.();
    const topic = this.#topic("kept");
    const connection = await this.#open();
    const connack = await connection.connect({
      clientId: this.#clientId,
      version: this.#version,
      will: { topic, payload: Buffer.from(this.#words), qos: 1, retain: false, delayInterval: 0, properties: {} },
    });
    await connection.cut();
    if (connack.reasonCode === 0) {
      while (!this.#hasHeard(topic)) await this.#observer.next("publish");
      return "ok";
    }
    assert.equal(await this.#heard(topic), false, "a refused client has no will");
    return this.#refused(connack);
  }

  async #restore(): Promise<Outcome> {
    const session = {
      clientId: this.#clientId,
      version: this.#version,
      clean: false,
      ...(this.#version === 5 ? { sessionExpiryInterval: 3600 } : {}),
    };
    const topic = this.#topic("orders");
    await this.#subject.lend?.begin();
    const first = await this.#open();
    const before = await first.connect(session);
    if (before.reasonCode === 0) await first.subscribe(topic);
    await first.cut();
    await this.#subject.befalls?.();
    await this.#subject.lend?.end();
    await this.#say(topic);
    await using connection = await this.#open();
    const connack = await connection.connect(session);
    if (connack.reasonCode !== 0) return this.#refused(connack);
    if (!connack.sessionPresent) {
      await connection.roundTrip();
      assert.deepEqual(connection.messages, []);
      return "fresh";
    }
    if ((await recordedFor(this.#world, this.#clientId)).length === 0) {
      await connection.next("publish");
      return "ok";
    }
    // Several looks at the store later, nothing that waited there has come.
    for (let look = 0; look < 3; look++) await connection.roundTrip();
    assert.deepEqual(connection.messages, []);
    return `dropped ${await this.#reason()}`;
  }

  #open(): Promise<RawConnection> {
    return RawConnection.open(this.#world.target, this.#subject.credentials);
  }

  #topic(leaf: string): string {
    return `devices/${this.#subject.owner}/${leaf}`;
  }

  /** The observer says it, and the server has taken it. */
  async #say(topic: string): Promise<void> {
    this.#observer.publish({ topic, payload: this.#words, qos: 1 });
    await this.#observer.next("puback");
  }

  /** Whether the message of this trial was published, once everything before now has been. */
  async #heard(topic: string): Promise<boolean> {
    const marker = `marker/${this.#words}/${topic.length}`;
    this.#observer.publish({ topic: marker });
    while (!this.#observer.messages.some((message) => message.topic === marker)) await this.#observer.next("publish");
    return this.#hasHeard(topic);
  }

  #hasHeard(topic: string): boolean {
    return this.#observer.messages.some(
      (message) => message.topic === topic && Buffer.from(message.payload).toString() === this.#words,
    );
  }

  async #isRetained(topic: string): Promise<boolean> {
    const from = this.#observer.messages.length;
    await this.#observer.subscribe(topic);
    await this.#observer.roundTrip();
    this.#observer.send({ type: "unsubscribe", packetId: 1, filters: [topic] });
    await this.#observer.next("unsuback");
    return this.#observer.messages
      .slice(from)
      .some((message) => message.retain && Buffer.from(message.payload).toString() === this.#words);
  }

  /** What is on record for this client. A refused subscription ends nothing, so whatever else is there came after it. */
  async #reason(fits: (reason: string) => boolean = () => true): Promise<string> {
    for (let read = 0; read < 200; read++) {
      const reasons = (await recordedFor(this.#world, this.#clientId)).map(({ reason }) => reason).filter(fits);
      const others = reasons.filter((reason) => reason !== "subscribe_not_authorized");
      assert.ok(new Set(others).size < 2, `several reasons: ${others.join(", ")}`);
      const found = others[0] ?? reasons[0];
      if (found !== undefined) return found;
    }
    throw new Error(`Nothing is on record for ${this.#clientId}.`);
  }

  async #refused(connack: { readonly reasonCode: number; readonly reasonString?: string }): Promise<Outcome> {
    const reason = await this.#reason((known) => known !== "subscribe_not_authorized");
    this.#checkWire(reason, connack);
    return `refused ${reason}`;
  }

  async #ended(connection: RawConnection): Promise<Outcome> {
    const disconnect = await connection.nextOrEnd("disconnect");
    const reason = await this.#reason((known) => known !== "subscribe_not_authorized");
    if (this.#version === 4) assert.equal(disconnect, undefined, "3.1.1 has no DISCONNECT of the server's");
    else this.#checkWire(reason, disconnect);
    return `ended ${reason}`;
  }

  #checkWire(
    reason: string,
    packet: { readonly reasonCode: number; readonly reasonString?: string } | undefined,
  ): void {
    const [v4, v5] = WIRE[reason] ?? NOT_AUTHORIZED;
    assert.equal(packet?.reasonCode, this.#version === 5 ? v5 : v4);
    if (this.#version === 5) assert.match(packet?.reasonString ?? "", new RegExp(`^${reason}: \\S`));
  }
}

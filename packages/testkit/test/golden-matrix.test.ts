// Who may do what: every kind of principal × everything a client can do, in both protocol versions, each outcome with its reason on
// record. The table is the specification; the code beneath it only finds out.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { ProtocolVersion } from "@fleetmint/mqtt";
import {
  applySimpleTemplate,
  type Credentials,
  createClaim,
  provision,
  RawConnection,
  recordedFor,
  selfSigned,
  startWorld,
  type TestClaim,
  type World,
} from "../src/index.ts";

/**
 * - `ok`: it happened, and others saw it
 * - `refused R`: CONNACK said no        - `ended R`: the connection was ended       - `suback R`: the filter was refused
 * - `dropped R`: a subscription that was granted once was taken away               - `silent`: nothing is delivered
 * - `fresh`: connected, and there was no session to restore
 */
type Outcome = string;
const ACTIONS = ["connect", "publish", "subscribe", "receive", "retain", "retainUngranted", "will", "restore"] as const;
type Action = (typeof ACTIONS)[number];

const always = (outcome: Outcome): Record<Action, Outcome> =>
  Object.fromEntries(ACTIONS.map((action) => [action, outcome])) as Record<Action, Outcome>;

const GOLDEN = {
  "no certificate": always("refused certificate_missing"),
  "an unknown certificate": always("refused certificate_unknown"),
  "a pending certificate": always("refused certificate_pending"),
  "a claim": {
    connect: "ok",
    publish: "ended publish_not_authorized",
    subscribe: "suback subscribe_not_authorized",
    receive: "silent",
    retain: "ended claim_connect_refused",
    retainUngranted: "ended claim_connect_refused",
    will: "refused claim_connect_refused",
    restore: "fresh",
  },
  "a disabled claim": { ...always("refused claim_disabled"), receive: "ended claim_disabled" },
  "a suspended claim": { ...always("refused claim_suspended"), receive: "ended claim_suspended" },
  "a quarantined claim": { ...always("refused claim_suspended"), receive: "ended claim_suspended" },
  "device A on A's topics": { ...always("ok"), retainUngranted: "ended publish_not_authorized" },
  "device A on B's topics": {
    connect: "refused connect_not_authorized",
    publish: "ended publish_not_authorized",
    subscribe: "suback subscribe_not_authorized",
    receive: "silent",
    retain: "ended publish_not_authorized",
    retainUngranted: "ended publish_not_authorized",
    will: "refused will_not_authorized",
    restore: "dropped subscribe_not_authorized",
  },
  "a revoked device": { ...always("refused certificate_revoked"), receive: "ended certificate_revoked" },
  "an expired device": { ...always("refused certificate_expired"), receive: "ended certificate_expired" },
  "a quarantined device": {
    connect: "ok",
    publish: "ended publish_not_authorized",
    subscribe: "suback subscribe_not_authorized",
    receive: "dropped subscribe_not_authorized",
    retain: "ended publish_not_authorized",
    retainUngranted: "ended publish_not_authorized",
    will: "refused will_not_authorized",
    restore: "dropped subscribe_not_authorized",
  },
} as const satisfies Record<string, Record<Action, Outcome>>;

type Who = keyof typeof GOLDEN;

/** How each refusal reads on the wire: 3.1.1 return code, MQTT 5 reason code; "not authorized" where nothing else is said. */
const WIRE: Readonly<Record<string, readonly [v4: number, v5: number]>> = {
  certificate_revoked: [5, 0x8a],
  claim_disabled: [5, 0x8a],
  claim_suspended: [3, 0x89],
};
const NOT_AUTHORIZED = [5, 0x87] as const;

const POLICY = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: "iot:Connect",
      Resource: "arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}.*",
    },
    {
      Effect: "Allow",
      Action: ["iot:Publish", "iot:Receive"],
      Resource: "arn:aws:iot:*:*:topic/devices/${iot:Connection.Thing.ThingName}/*",
    },
    {
      Effect: "Allow",
      Action: "iot:RetainPublish",
      Resource: "arn:aws:iot:*:*:topic/devices/${iot:Connection.Thing.ThingName}/kept",
    },
    {
      Effect: "Allow",
      Action: "iot:Subscribe",
      // Everyone may ask for everyone's news; what arrives is decided at each delivery.
      Resource: [
        "arn:aws:iot:*:*:topicfilter/devices/${iot:Connection.Thing.ThingName}/*",
        "arn:aws:iot:*:*:topicfilter/devices/+/news",
      ],
    },
  ],
};
const ALL = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] };
const VISITOR = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: ["iot:Subscribe", "iot:Receive"],
      Resource: ["arn:aws:iot:*:*:topicfilter/devices/dev-B/*", "arn:aws:iot:*:*:topic/devices/dev-B/*"],
    },
  ],
};

interface Subject {
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

describe("the golden matrix", () => {
  let world: World;
  let claim: TestClaim;
  let observer: RawConnection;
  let deviceA: Credentials;
  let count = 0;

  before(async () => {
    world = await startWorld();
    await applySimpleTemplate(world);
    await applySimpleTemplate(world, "brief", { certificateDays: 1 });
    for (const [policyName, document] of Object.entries({ device: POLICY, all: ALL, visitor: VISITOR })) {
      await world.admin.applyPolicy({ policyName, document: JSON.stringify(document) });
    }
    claim = await createClaim(world, { maxDevices: 1000, validForSeconds: 90 * 24 * 3600 });
    deviceA = await device("A");
    await device("B");
    const watching = await device("observer");
    await world.admin.attachPolicy({ policyName: "all", target: { kind: "thing", id: "dev-observer" } });
    observer = await RawConnection.open(world.target, watching);
    assert.equal((await observer.connect({ clientId: "observer" })).reasonCode, 0);
    assert.deepEqual(await observer.subscribe("#"), [1]);
  });
  after(async () => {
    await observer.cut();
    await world.close();
  });
  // The observer's rate of messages is counted by the clock that stands still.
  afterEach(() => world.clock.advance(1000));

  const device = (serial: string, from = claim, template = "simple") =>
    provision(world.target, from, {
      clientId: serial,
      template,
      parameters: { SerialNumber: serial },
    });

  const newDevice = async (template = "simple") => {
    const serial = `n${++count}`;
    const from = template === "simple" ? claim : await createClaim(world, { templates: [template] });
    const credentials = await device(serial, from, template);
    return { credentials, owner: `dev-${serial}` };
  };
  const newClaim = async (befalls: (claimId: string) => Promise<unknown>): Promise<Subject> => {
    const made = await createClaim(world);
    return { credentials: made, owner: "claim", befalls: async () => void (await befalls(made.claimId)) };
  };

  const SUBJECTS: Record<Who, () => Promise<Subject>> = {
    "no certificate": async () => ({ credentials: undefined, owner: "nobody" }),
    "an unknown certificate": async () => ({ credentials: await selfSigned("stranger"), owner: "stranger" }),
    "a pending certificate": async () => {
      await using asking = await RawConnection.open(world.target, claim);
      await asking.connect({ clientId: `asking-${++count}` });
      const topic = "$aws/certificates/create/json";
      await asking.subscribe(`${topic}/accepted`);
      asking.publish({ topic, payload: "{}", qos: 1 });
      const answer = JSON.parse(Buffer.from((await asking.next("publish")).payload).toString());
      return {
        credentials: { certificatePem: answer.certificatePem, privateKeyPem: answer.privateKey },
        owner: "pending",
      };
    },
    "a claim": async () => ({ credentials: claim, owner: "claim" }),
    "a disabled claim": () => newClaim((claimId) => world.admin.disableClaim({ claimId })),
    "a suspended claim": () => newClaim((claimId) => world.admin.suspendClaim({ claimId })),
    "a quarantined claim": () => newClaim((claimId) => world.admin.quarantineClaim({ claimId, quarantined: true })),
    "device A on A's topics": async () => ({ credentials: deviceA, owner: "dev-A" }),
    "device A on B's topics": async () => {
      const visit = { policyName: "visitor", target: { kind: "thing", id: "dev-A" } } as const;
      return {
        credentials: deviceA,
        owner: "dev-B",
        clientPrefix: "dev-A",
        lend: {
          begin: async () => void (await world.admin.attachPolicy(visit)),
          end: async () => void (await world.admin.detachPolicy(visit)),
        },
      };
    },
    "a revoked device": async () => {
      const made = await newDevice();
      const { certificateId } = made.credentials;
      return { ...made, befalls: async () => void (await world.admin.revokeCertificate({ certificateId })) };
    },
    "an expired device": async () => {
      const twoDays = 48 * 3600_000;
      return {
        ...(await newDevice("brief")),
        befalls: async () => {
          world.clock.jump(twoDays);
          world.clock.advance(1000);
        },
        undo: () => world.clock.jump(-twoDays),
      };
    },
    "a quarantined device": async () => {
      const made = await newDevice();
      return {
        ...made,
        befalls: async () => void (await world.admin.quarantineThing({ thingName: made.owner, quarantined: true })),
      };
    },
  };

  for (const version of [5, 4] as const) {
    describe(version === 5 ? "MQTT 5" : "MQTT 3.1.1", () => {
      for (const who of Object.keys(GOLDEN) as Who[]) {
        for (const action of ACTIONS) {
          const expected = GOLDEN[who][action];
          test(`${who}: ${action}: ${expected}`, async () => {
            const subject = await SUBJECTS[who]();
            try {
              assert.equal(await new Trial(world, observer, { subject, version, name: ++count }).run(action), expected);
            } finally {
              subject.undo?.();
            }
          });
        }
      }
    });
  }

  test("device B with A's client id is refused, and A's connection is undisturbed", async () => {
    const { credentials } = await newDevice();
    await using a = await RawConnection.open(world.target, deviceA);
    await a.connect({ clientId: "dev-A.1" });
    await using b = await RawConnection.open(world.target, credentials);
    assert.equal((await b.connect({ clientId: "dev-A.1" })).reasonCode, 0x87);
    // Where a policy lets anyone call itself anything, the sessions are still two.
    await world.admin.attachPolicy({ policyName: "all", target: { kind: "thing", id: `dev-n${count}` } });
    await using c = await RawConnection.open(world.target, credentials);
    const connack = await c.connect({ clientId: "dev-A.1", clean: false, sessionExpiryInterval: 60 });
    assert.deepEqual([connack.reasonCode, connack.sessionPresent], [0, false]);
    assert.equal(await a.roundTrip(), true);
  });
});

/** One cell of the table, tried. */
class Trial {
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

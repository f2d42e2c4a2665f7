// Two devices that hold the same claim, in every way they may meet. Answers carry private keys and ownership tokens, and all devices of
// a fleet subscribe to the same answer topics: each must get what it asked for, and nothing else.
import assert from "node:assert/strict";
import type { ProtocolVersion } from "@fleetmint/mqtt";
import { onFaultPoint } from "@fleetmint/server";
import { awsTopics, decodePayload, encodePayload, type PayloadFormat } from "@fleetmint/wire";
import {
  applySimpleTemplate,
  createClaim,
  RawConnection,
  startWorld,
  type TestClaim,
  type World,
} from "../src/index.ts";

interface Meeting {
  readonly version: ProtocolVersion;
  readonly clean: boolean;
}

export interface Scenario {
  readonly name: string;
  /** What one device got that was another's, in words. */
  run(scene: Scene): Promise<readonly string[]>;
}

export interface Scene {
  readonly world: World;
  readonly claim: TestClaim;
}

export async function startScene(): Promise<Scene> {
  const world = await startWorld();
  await applySimpleTemplate(world);
  const claim = await createClaim(world, { maxDevices: 1000, suspendAfterRefusals: 100_000, maxPerMinute: 100_000 });
  return { world, claim };
}

const MEETINGS: readonly Meeting[] = [
  { version: 5, clean: true },
  { version: 5, clean: false },
  { version: 4, clean: true },
  { version: 4, clean: false },
];

export const SCENARIOS: readonly Scenario[] = MEETINGS.flatMap((meeting) => {
  const how = `MQTT ${meeting.version === 5 ? "5" : "3.1.1"}, ${meeting.clean ? "clean" : "persistent"} sessions`;
  return [
    { name: `different client ids, both at once, ${how}`, run: (scene) => atOnce(scene, meeting) },
    { name: `the same client id, after the first was cut off, ${how}`, run: (scene) => afterACut(scene, meeting) },
    {
      name: `the same client id, with an answer unacknowledged, ${how}`,
      run: (scene) => unacknowledged(scene, meeting),
    },
  ] satisfies Scenario[];
});

/** What nobody may have, whoever asks. */
const GREEDY = ["#", "+/#", "$aws/#", "$aws/+/create/json/accepted", "$aws/certificates/create/+/+", "$share/g/$aws/#"];
const REQUESTS = (["json", "cbor"] as const).map((format) => ({ format, topics: awsTopics.createKeys(format) }));
const ROUNDS = 3;

async function atOnce(scene: Scene, meeting: Meeting): Promise<readonly string[]> {
  await using one = await Party.connect(scene, meeting, name());
  await using other = await Party.connect(scene, meeting, name());
  for (let round = 0; round < ROUNDS; round++) {
    for (const { format } of REQUESTS) {
      one.ask(format);
      other.ask(format);
    }
  }
  await Promise.all([one.answered(), other.answered()]);
  await Promise.all([one.connection.roundTrip(), other.connection.roundTrip()]);
  return leaks([one, other]);
}

/** The answer comes about when the one who asked is gone, and the next device uses its client id. */
async function afterACut(scene: Scene, meeting: Meeting): Promise<readonly string[]> {
  const found: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const clientId = name();
    const first = await Party.connect(scene, meeting, clientId);
    const requested = reached("certificate-requested", () => first.connection.socket.destroy());
    const recorded = reached("certificate-recorded");
    first.ask("json");
    await requested;
    await first.connection.closed;
    await recorded;
    onFaultPoint(undefined);
    found.push(...(await succeed(scene, meeting, first)));
  }
  return found;
}

async function unacknowledged(scene: Scene, meeting: Meeting): Promise<readonly string[]> {
  const first = await Party.connect(scene, meeting, name());
  first.connection.acknowledges = false;
  first.ask("json");
  await first.answered();
  await first.connection.cut();
  return succeed(scene, meeting, first);
}

/** A second device with the first one's client id asks for a certificate of its own, where the first did not. */
async function succeed(scene: Scene, meeting: Meeting, first: Party): Promise<readonly string[]> {
  await using second = await Party.connect(scene, meeting, first.clientId);
  second.ask("cbor");
  await second.answered();
  // Whatever waited in a session would have been sent by now: it would stand before the answer.
  await second.connection.roundTrip();
  return leaks([first, second]);
}

let names = 0;
const name = () => `leak-${++names}`;

const passed = new Map<string, () => void>();

/** Resolves when the server passes this point. */
function reached(point: string, then: () => void = () => {}): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  passed.set(point, () => {
    then();
    resolve();
  });
  onFaultPoint((at) => {
    passed.get(at)?.();
    passed.delete(at);
  });
  return promise;
}

/** One device on its connection: what it asked for, and what it was given. */
class Party implements AsyncDisposable {
  readonly connection: RawConnection;
  readonly clientId: string;
  readonly #asked: Record<PayloadFormat, number> = { json: 0, cbor: 0 };

  private constructor(connection: RawConnection, clientId: string) {
    this.connection = connection;
    this.clientId = clientId;
  }

  static async connect({ world, claim }: Scene, { version, clean }: Meeting, clientId: string): Promise<Party> {
    for (;;) {
      const connection = await RawConnection.open(world.target, claim);
      const expiry = version === 5 && !clean ? { sessionExpiryInterval: 3600 } : {};
      const { reasonCode, sessionPresent } = await connection.connect({ clientId, version, clean, ...expiry });
      // The server may not have seen yet that the one before has gone.
      if (reasonCode === (version === 5 ? 0x89 : 3)) continue;
      assert.equal(reasonCode, 0);
      assert.equal(sessionPresent && process.env["FLEETMINT_MUTATION"] === undefined, false, "a claim has no session");
      const party = new Party(connection, clientId);
      await party.#subscribe();
      return party;
    }
  }

  async #subscribe(): Promise<void> {
    const refused = (await this.connection.subscribe(...GREEDY)) ?? [];
    assert.ok(refused.length === GREEDY.length && refused.every((code) => code >= 0x80), `${GREEDY} → ${refused}`);
    for (const { topics } of REQUESTS) {
      const granted = await this.connection.subscribe(topics.accepted, topics.rejected, `${topics.request}/+`);
      assert.deepEqual(granted, [1, 1, 1]);
    }
  }

  ask(format: PayloadFormat): void {
    this.#asked[format]++;
    const topic = awsTopics.createKeys(format).request;
    this.connection.publish({ topic, payload: encodePayload(format, {}), qos: 1 });
  }

  /** Every question has its answer. */
  async answered(): Promise<void> {
    while (REQUESTS.some(({ format }) => this.#answers(format) < this.#asked[format])) {
      if (this.connection.isClosed) throw new Error("The connection ended before the answer.");
      await this.connection.next("publish");
    }
  }

  /** Answers to questions that it did not ask. */
  get surplus(): number {
    const surplus = REQUESTS.map(({ format }) => Math.max(0, this.#answers(format) - this.#asked[format]));
    return surplus.reduce((sum, count) => sum + count);
  }

  #answers(format: PayloadFormat): number {
    return this.connection.messages.filter(({ topic }) => topic.includes(`/${format}/`)).length;
  }

  /** Everything that it was given and nobody else may have. */
  get secrets(): readonly string[] {
    return this.connection.messages.flatMap(({ topic, payload }) => {
      const fields = decodePayload(topic.includes("/cbor/") ? "cbor" : "json", payload);
      return [fields["privateKey"], fields["certificateOwnershipToken"]].filter((field) => typeof field === "string");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.cut();
  }
}

/** The check itself: nobody got more answers than it asked for, and no secret reached two. */
function leaks(parties: readonly [Party, Party]): readonly string[] {
  const [one, other] = parties;
  const shared = one.secrets.filter((secret) => other.secrets.includes(secret));
  return [
    ...parties.flatMap(({ surplus, clientId }) => (surplus > 0 ? [`${clientId} got ${surplus} answers too many`] : [])),
    ...(shared.length > 0 ? [`${one.clientId} and ${other.clientId} share ${shared.length} secrets`] : []),
  ];
}

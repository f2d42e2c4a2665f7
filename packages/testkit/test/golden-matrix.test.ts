// Who may do what: every kind of principal × everything a client can do, in both protocol versions, each outcome with its reason on
// record. The table is the specification; the code beneath it only finds out.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import {
  applySimpleTemplate,
  type Credentials,
  createClaim,
  provision,
  RawConnection,
  selfSigned,
  startWorld,
  type TestClaim,
  type World,
} from "../src/index.ts";
import { ACTIONS, type Action, type Outcome, type Subject, Trial } from "./golden-trial.ts";

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

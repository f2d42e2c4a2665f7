// The promise that everything hangs on: an unmodified AWS IoT device SDK provisions here.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { buildCsr, fileSigner, generateEcKey } from "@fleetmint/pki";
import { systemClock } from "@fleetmint/server";
import { applySimpleTemplate, createClaim, startWorld, type TestClaim, type World } from "@fleetmint/testkit";
import {
  type AwsDevice,
  connectAndPublish,
  type Endpoint,
  type Identity,
  v1OverMqtt5,
  v1OverMqtt311,
  v2OverMqtt5,
  v2OverMqtt311,
} from "./aws-devices.ts";

const CLIENTS = [
  ["V1 over MQTT 3.1.1", v1OverMqtt311, 4],
  ["V1 over MQTT 5", v1OverMqtt5, 5],
  ["V2 over MQTT 3.1.1", v2OverMqtt311, 4],
  ["V2 over MQTT 5", v2OverMqtt5, 5],
] as const;

describe("aws-iot-device-sdk-v2, unmodified", () => {
  let world: World;
  let claim: TestClaim;
  let endpoint: Endpoint;

  before(async () => {
    world = await startWorld({ clock: systemClock });
    await applySimpleTemplate(world);
    claim = await createClaim(world);
    endpoint = world.target;
  });
  after(() => world.close());

  for (const [name, connect, version] of CLIENTS) {
    const slug = name.replace(/[^A-Za-z0-9]/g, "");

    test(`${name}: keys made by the server, RegisterThing, reconnect with the new certificate`, async () => {
      const serial = `${slug}Keys`;
      const device = await connect(endpoint, claim, serial);
      const created = await using(device, async ({ identity }) => {
        const keys = await identity.createKeys();
        assert.match(keys.certificateId!, /^[0-9a-f]{64}$/);
        const registered = await identity.registerThing({
          templateName: "simple",
          certificateOwnershipToken: keys.certificateOwnershipToken!,
          parameters: { SerialNumber: serial },
        });
        assert.equal(registered.thingName, `dev-${serial}`);
        assert.deepEqual(registered.deviceConfiguration, { greeting: "hello" });
        return keys;
      });
      await reconnect({ certificatePem: created.certificatePem!, privateKeyPem: created.privateKey! }, serial, version);
    });

    test(`${name}: CSR, RegisterThing, reconnect with the new certificate`, async () => {
      const serial = `${slug}Csr`;
      const key = generateEcKey();
      const csr = await buildCsr({ subject: { commonName: "a device" } }, fileSigner(key.privateKey));
      const device = await connect(endpoint, claim, serial);
      const created = await using(device, async ({ identity }) => {
        const certificate = await identity.createFromCsr(csr.pem);
        const registered = await identity.registerThing({
          templateName: "simple",
          certificateOwnershipToken: certificate.certificateOwnershipToken!,
          parameters: { SerialNumber: serial, Location: "Berlin" },
        });
        assert.equal(registered.thingName, `dev-${serial}`);
        return certificate;
      });
      await reconnect({ certificatePem: created.certificatePem!, privateKeyPem: key.privateKeyPem }, serial, version);
      const thing = await world.admin.getThing({ thingName: `dev-${serial}` });
      assert.deepEqual(thing.attributes, { serial, location: "Berlin" });
      assert.deepEqual(
        thing.certificates.map(({ certificateId, status }) => ({ certificateId, status })),
        [{ certificateId: created.certificateId, status: "ACTIVE" }],
      );
    });

    test(`${name}: a refusal reaches the device with its reason`, async () => {
      const device = await connect(endpoint, claim, `${slug}Refused`);
      await using(device, async ({ identity }) => {
        await assert.rejects(
          identity.registerThing({ templateName: "simple", certificateOwnershipToken: "bogus", parameters: {} }),
          (error) => /token_unknown|InvalidCertificateOwnershipToken/.test(describeError(error)),
        );
      });
    });
  }

  async function reconnect(identity: Identity, serial: string, version: 4 | 5): Promise<void> {
    await connectAndPublish(endpoint, identity, {
      clientId: `dev-${serial}`,
      topic: `devices/dev-${serial}/state`,
      version,
    });
  }
});

async function using<Result>(device: AwsDevice, run: (device: AwsDevice) => Promise<Result>): Promise<Result> {
  try {
    return await run(device);
  } finally {
    await device.close();
  }
}

/** The SDK hides the answer in `modeledError`. */
function describeError(error: unknown): string {
  const modeled = (error as { modeledError?: unknown }).modeledError;
  return `${String(error)} ${JSON.stringify(modeled ?? "")}`;
}

// mqtt.js, the most used MQTT client of the Node world, unmodified: the same flow in JSON and CBOR, over 3.1.1 and 5.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { buildCsr, fileSigner, generateEcKey } from "@fleetmint/pki";
import { systemClock } from "@fleetmint/server";
import { applySimpleTemplate, createClaim, startWorld, type TestClaim, type World } from "@fleetmint/testkit";
import { awsTopics, decodePayload, encodePayload, type PayloadFormat, type RequestTopics } from "@fleetmint/wire";
import { connectAsync, type MqttClient } from "mqtt";

describe("mqtt.js, unmodified", () => {
  let world: World;
  let claim: TestClaim;

  before(async () => {
    world = await startWorld({ clock: systemClock });
    await applySimpleTemplate(world);
    claim = await createClaim(world);
  });
  after(() => world.close());

  const connect = (identity: { certificatePem: string; privateKeyPem: string }, clientId: string, version: 4 | 5) =>
    connectAsync({
      protocol: "mqtts",
      host: "localhost",
      port: world.target.port,
      ca: world.target.caPem,
      cert: identity.certificatePem,
      key: identity.privateKeyPem,
      clientId,
      protocolVersion: version,
      reconnectPeriod: 0,
    });

  for (const version of [4, 5] as const) {
    for (const format of ["json", "cbor"] as const) {
      for (const flow of ["keys", "csr"] as const) {
        test(`MQTT ${version === 4 ? "3.1.1" : "5"}, ${format}, ${flow}`, async () => {
          const serial = `js-${version}-${format}-${flow}`;
          const bootstrap = await connect(claim, serial, version);
          const identity = flow === "keys" ? await serverKey(bootstrap, format) : await ownKey(bootstrap, format);
          const registered = await ask(bootstrap, awsTopics.registerThing("simple", format), format, {
            certificateOwnershipToken: identity.token,
            parameters: { SerialNumber: serial },
          });
          assert.equal(registered["thingName"], `dev-${serial}`);
          await bootstrap.endAsync();

          const device = await connect(identity, `dev-${serial}`, version);
          await device.publishAsync(`devices/dev-${serial}/state`, "on", { qos: 1 });
          await device.endAsync();
        });
      }
    }
  }

  async function serverKey(client: MqttClient, format: PayloadFormat) {
    const answer = await ask(client, awsTopics.createKeys(format), format, {});
    return credentials(answer, answer["privateKey"] as string);
  }

  async function ownKey(client: MqttClient, format: PayloadFormat) {
    const key = generateEcKey();
    const csr = await buildCsr({ subject: {} }, fileSigner(key.privateKey));
    const answer = await ask(client, awsTopics.createFromCsr(format), format, { certificateSigningRequest: csr.pem });
    return credentials(answer, key.privateKeyPem);
  }

  function credentials(answer: Readonly<Record<string, unknown>>, privateKeyPem: string) {
    return {
      certificatePem: answer["certificatePem"] as string,
      token: answer["certificateOwnershipToken"] as string,
      privateKeyPem,
    };
  }
});

async function ask(
  client: MqttClient,
  topics: RequestTopics,
  format: PayloadFormat,
  body: object,
): Promise<Readonly<Record<string, unknown>>> {
  await client.subscribeAsync([topics.accepted, topics.rejected], { qos: 1 });
  const answer = new Promise<{ topic: string; payload: Buffer }>((resolve) => {
    client.once("message", (topic, payload) => resolve({ topic, payload }));
  });
  await client.publishAsync(topics.request, Buffer.from(encodePayload(format, body)), { qos: 1 });
  const { topic, payload } = await answer;
  const fields = decodePayload(format, payload);
  assert.equal(topic, topics.accepted, JSON.stringify(fields));
  // Shipped firmware reads answers into 2,048 bytes (CSR) and 4,096 bytes (keys), topic and header included.
  const limit = "privateKey" in fields ? 4096 : 2048;
  assert.ok(payload.length + topic.length + 9 <= limit, `${payload.length} bytes`);
  return fields;
}

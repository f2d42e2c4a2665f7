// A device made of the unmodified AWS IoT Device SDK for JavaScript v2: V2 identity client over MQTT 5, server-made keys.
// Runs as its own process: node aws-sdk-device.ts '{"host":…,"port":…,"folder":…,"out":…,"serial":…,"template":…}'
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { iot, iotidentity, mqtt5 } from "aws-iot-device-sdk-v2";

interface Task {
  readonly host: string;
  readonly port: number;
  /** Holds claim.cert.pem, claim.key.pem and ca.pem. */
  readonly claimFolder: string;
  /** Where the identity goes. */
  readonly out: string;
  readonly serial: string;
  readonly template: string;
}

const task = JSON.parse(process.argv[2] ?? "{}") as Task;
const caFile = `${task.claimFolder}/ca.pem`;

await provision();
// aws-crt keeps the native handles of closed clients for minutes, and nothing else is left to do.
process.exitCode = 0;
setImmediate(() => process.exit());

async function provision(): Promise<void> {
  const claim = await connect({
    clientId: task.serial,
    certificate: readFileSync(`${task.claimFolder}/claim.cert.pem`, "utf8"),
    privateKey: readFileSync(`${task.claimFolder}/claim.key.pem`, "utf8"),
  });
  const identity = iotidentity.IotIdentityClientv2.newFromMqtt5(claim, {
    maxRequestResponseSubscriptions: 2,
    maxStreamingSubscriptions: 2,
    operationTimeoutInSeconds: 30,
  });
  const keys = await identity.createKeysAndCertificate({});
  const thing = await identity.registerThing({
    templateName: task.template,
    certificateOwnershipToken: keys.certificateOwnershipToken!,
    parameters: { SerialNumber: task.serial },
  });
  identity.close();
  await disconnect(claim);

  mkdirSync(task.out, { recursive: true, mode: 0o700 });
  writeFileSync(`${task.out}/device.cert.pem`, keys.certificatePem!, { mode: 0o600 });
  writeFileSync(`${task.out}/device.key.pem`, keys.privateKey!, { mode: 0o600 });
  copyFileSync(caFile, `${task.out}/ca.pem`);

  // The identity counts only once it has really connected.
  const device = await connect({
    clientId: thing.thingName!,
    certificate: keys.certificatePem!,
    privateKey: keys.privateKey!,
  });
  await device.publish({ topicName: `devices/${thing.thingName}/hello`, payload: "{}", qos: mqtt5.QoS.AtLeastOnce });
  await disconnect(device);
  process.stdout.write(
    `${JSON.stringify({ outcome: "issued", thingName: thing.thingName, certificateId: keys.certificateId })}\n`,
  );
}

async function connect(as: { clientId: string; certificate: string; privateKey: string }): Promise<mqtt5.Mqtt5Client> {
  const client = new mqtt5.Mqtt5Client(
    iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromMemory(task.host, as.certificate, as.privateKey)
      .withCertificateAuthorityFromPath(undefined, caFile)
      .withPort(task.port)
      .withConnectProperties({ clientId: as.clientId, keepAliveIntervalSeconds: 30 })
      .build(),
  );
  const connected = Promise.race([
    once(client, "connectionSuccess"),
    once(client, "connectionFailure").then(([event]) => {
      throw new Error(String((event as mqtt5.ConnectionFailureEvent).error));
    }),
  ]);
  client.start();
  await connected;
  return client;
}

async function disconnect(client: mqtt5.Mqtt5Client): Promise<void> {
  const stopped = once(client, "stopped");
  client.stop();
  await stopped;
  client.close();
}

// aws-crt keeps native handles of closed clients for minutes, and nothing else is left to do.
process.exitCode = 0;
setImmediate(() => process.exit());

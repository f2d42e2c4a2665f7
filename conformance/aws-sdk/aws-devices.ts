// Devices made of the unmodified AWS IoT Device SDK for JavaScript v2, in every combination that it offers:
// identity clients V1 and V2, over MQTT 3.1.1 and MQTT 5.
import { once } from "node:events";
import { iot, iotidentity, mqtt, mqtt5 } from "aws-iot-device-sdk-v2";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly caPem: string;
}

export interface Identity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** The three operations, whichever generation of client performs them. */
export interface IdentityClient {
  createKeys(): Promise<iotidentity.model.CreateKeysAndCertificateResponse>;
  createFromCsr(pem: string): Promise<iotidentity.model.CreateCertificateFromCsrResponse>;
  registerThing(request: iotidentity.model.RegisterThingRequest): Promise<iotidentity.model.RegisterThingResponse>;
}

export interface AwsDevice {
  readonly identity: IdentityClient;
  close(): Promise<void>;
}

const OPTIONS = { maxRequestResponseSubscriptions: 2, maxStreamingSubscriptions: 2, operationTimeoutInSeconds: 20 };

/** MQTT 3.1.1, clean session off as the SDK's own samples have it. */
export async function connectMqtt311(
  endpoint: Endpoint,
  identity: Identity,
  clientId: string,
): Promise<mqtt.MqttClientConnection> {
  const config = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(identity.certificatePem, identity.privateKeyPem)
    .with_certificate_authority(endpoint.caPem)
    .with_endpoint(endpoint.host)
    .with_port(endpoint.port)
    .with_client_id(clientId)
    .with_clean_session(false)
    .build();
  const connection = new mqtt.MqttClient().new_connection(config);
  await connection.connect();
  return connection;
}

/** MQTT 5; rejects when the first connection attempt fails. */
export async function connectMqtt5(
  endpoint: Endpoint,
  identity: Identity,
  clientId: string,
): Promise<mqtt5.Mqtt5Client> {
  const config = iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromMemory(
    endpoint.host,
    identity.certificatePem,
    identity.privateKeyPem,
  )
    .withCertificateAuthority(endpoint.caPem)
    .withPort(endpoint.port)
    .withConnectProperties({ clientId, keepAliveIntervalSeconds: 30 })
    .build();
  const client = new mqtt5.Mqtt5Client(config);
  const outcome = Promise.race([
    once(client, "connectionSuccess"),
    once(client, "connectionFailure").then(([event]) => {
      throw new Error(`connection failure: ${(event as mqtt5.ConnectionFailureEvent).error}`);
    }),
  ]);
  client.start();
  try {
    await outcome;
  } catch (error) {
    await stop(client);
    throw error;
  }
  return client;
}

async function stop(client: mqtt5.Mqtt5Client): Promise<void> {
  const stopped = once(client, "stopped");
  client.stop();
  await stopped;
  client.close();
}

export async function v2OverMqtt311(endpoint: Endpoint, claim: Identity, clientId: string): Promise<AwsDevice> {
  const connection = await connectMqtt311(endpoint, claim, clientId);
  const client = iotidentity.IotIdentityClientv2.newFromMqtt311(connection, OPTIONS);
  return {
    identity: v2(client),
    async close() {
      client.close();
      await connection.disconnect();
    },
  };
}

export async function v2OverMqtt5(endpoint: Endpoint, claim: Identity, clientId: string): Promise<AwsDevice> {
  const connection = await connectMqtt5(endpoint, claim, clientId);
  const client = iotidentity.IotIdentityClientv2.newFromMqtt5(connection, OPTIONS);
  return {
    identity: v2(client),
    async close() {
      client.close();
      await stop(connection);
    },
  };
}

export async function v1OverMqtt311(endpoint: Endpoint, claim: Identity, clientId: string): Promise<AwsDevice> {
  const connection = await connectMqtt311(endpoint, claim, clientId);
  return {
    identity: v1(new iotidentity.IotIdentityClient(connection)),
    close: async () => {
      await connection.disconnect();
    },
  };
}

export async function v1OverMqtt5(endpoint: Endpoint, claim: Identity, clientId: string): Promise<AwsDevice> {
  const connection = await connectMqtt5(endpoint, claim, clientId);
  return {
    identity: v1(iotidentity.IotIdentityClient.newFromMqtt5Client(connection)),
    close: () => stop(connection),
  };
}

/** Connects with a permanent identity and publishes once; resolves when the server has acknowledged it. */
export async function connectAndPublish(
  endpoint: Endpoint,
  identity: Identity,
  message: { readonly clientId: string; readonly topic: string; readonly version: 4 | 5 },
): Promise<void> {
  if (message.version === 4) {
    const connection = await connectMqtt311(endpoint, identity, message.clientId);
    await connection.publish(message.topic, "{}", mqtt.QoS.AtLeastOnce);
    await connection.disconnect();
    return;
  }
  const client = await connectMqtt5(endpoint, identity, message.clientId);
  const result = await client.publish({ topicName: message.topic, payload: "{}", qos: mqtt5.QoS.AtLeastOnce });
  await stop(client);
  // 0x10, "no matching subscribers", is a success too [MQTT-3.4.2-1].
  if (result === undefined || result.reasonCode >= 0x80) {
    throw new Error(`PUBACK ${result?.reasonCode}: ${result?.reasonString}`);
  }
}

function v2(client: iotidentity.IotIdentityClientv2): IdentityClient {
  return {
    createKeys: () => client.createKeysAndCertificate({}),
    createFromCsr: (certificateSigningRequest) => client.createCertificateFromCsr({ certificateSigningRequest }),
    registerThing: (request) => client.registerThing(request),
  };
}

/** The first generation: subscribe to both answers by hand, then publish. */
function v1(client: iotidentity.IotIdentityClient): IdentityClient {
  const qos = mqtt.QoS.AtLeastOnce;
  return {
    createKeys: () =>
      answered(async (accept, reject) => {
        await client.subscribeToCreateKeysAndCertificateAccepted({}, qos, accept);
        await client.subscribeToCreateKeysAndCertificateRejected({}, qos, reject);
        await client.publishCreateKeysAndCertificate({}, qos);
      }),
    createFromCsr: (certificateSigningRequest) =>
      answered(async (accept, reject) => {
        await client.subscribeToCreateCertificateFromCsrAccepted({}, qos, accept);
        await client.subscribeToCreateCertificateFromCsrRejected({}, qos, reject);
        await client.publishCreateCertificateFromCsr({ certificateSigningRequest }, qos);
      }),
    registerThing: (request) =>
      answered(async (accept, reject) => {
        const { templateName } = request;
        await client.subscribeToRegisterThingAccepted({ templateName }, qos, accept);
        await client.subscribeToRegisterThingRejected({ templateName }, qos, reject);
        await client.publishRegisterThing(request, qos);
      }),
  };
}

type Listener<Response> = (error?: Error, response?: Response) => void;

function answered<Response>(
  ask: (accept: Listener<Response>, reject: Listener<iotidentity.model.ErrorResponse>) => Promise<void>,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    ask(
      (error, response) => (response === undefined ? reject(error ?? new Error("no response")) : resolve(response)),
      (error, response) => reject(error ?? new Error(response?.errorMessage ?? "rejected")),
    ).catch(reject);
  });
}

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { after, before, describe, it } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { MqttClient } from "@fleetmint/mqtt";
import { type TestCertificate, testCertificate } from "./testing/test-certificate.ts";
import { settle } from "./testing/test-client.ts";
import { TestWorld } from "./testing/test-world.ts";

let server: TestCertificate;
let device: TestCertificate;
let world: TestWorld;
let port: number;

before(async () => {
  server = await testCertificate("localhost");
  device = await testCertificate("lamp");
  world = await TestWorld.start({ tls: server });
  port = (await world.broker.listen(0, "127.0.0.1")).port;
  // Here certificates are real: whoever has one is `device:` and its common name.
  world.admission.identify = (der) => `device:${new X509Certificate(der).subject.replace("CN=", "")}`;
});

after(() => world.broker.close());

async function dial(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca: server.cert, servername: "localhost", ...options });
  await once(socket, "secureConnect");
  return socket;
}

async function mqtt(
  options: ConnectionOptions = {},
  version: 4 | 5 = 5,
): Promise<{ code: number; client: MqttClient }> {
  const stream = await dial(options);
  const client = new MqttClient({ stream, after: (delay, action) => world.clock.after(delay, action) });
  const { reasonCode } = await client.connect({ version, clientId: `c${Math.random()}` });
  return { code: reasonCode, client };
}

function failureOf(options: ConnectionOptions): Promise<NodeJS.ErrnoException> {
  const { promise, resolve, reject } = Promise.withResolvers<NodeJS.ErrnoException>();
  const socket = connect({ host: "127.0.0.1", port, ca: server.cert, servername: "localhost", ...options });
  socket.on("error", resolve);
  socket.on("secureConnect", () => reject(new Error("the handshake succeeded")));
  return promise;
}

describe("the device listener", () => {
  it("proves the certificate in TLS 1.2 and 1.3 and leaves the verdict to admission", async () => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const { code, client } = await mqtt({ ...device, minVersion: version, maxVersion: version });
      assert.equal(code, 0);
      const request = world.admission.requests.at(-1);
      assert.deepEqual(Buffer.from(request?.certificateDer ?? []), new X509Certificate(device.cert).raw);
      assert.equal(request?.remoteAddress, "127.0.0.1");
      await client.disconnect();
    }
  });

  it("explains to a client without a certificate why it is refused", async () => {
    const { code, client } = await mqtt();
    assert.equal(code, 0x87);
    assert.match((await client.closed).reasonString ?? client.connack?.reasonString ?? "", /^certificate_missing/);
  });

  it("explains to a client with a foreign or revoked certificate why it is refused", async () => {
    world.admission.refused.set("device:lamp", "certificate_revoked");
    assert.equal((await mqtt(device)).code, 0x8a);
    assert.equal((await mqtt(device, 4)).code, 5);
    world.admission.refused.clear();
  });

  it("takes AWS's ALPN name, MQTT's and none, and no other", async () => {
    for (const name of ["x-amzn-mqtt-ca", "mqtt"]) {
      const socket = await dial({ ...device, ALPNProtocols: [name] });
      assert.equal(socket.alpnProtocol, name);
      socket.destroy();
    }
    assert.equal((await mqtt(device)).code, 0);
    const refused = await failureOf({ ...device, ALPNProtocols: ["http/1.1"] });
    assert.equal(refused.code, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  });

  it("speaks nothing older than TLS 1.2, and prefers AES-128-GCM and X25519", async () => {
    const old = await failureOf({ minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" });
    assert.match(old.code ?? "", /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    const socket = await dial({ ...device, ciphers: "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256" });
    assert.equal(socket.getCipher().name, "TLS_AES_128_GCM_SHA256");
    assert.deepEqual((socket.getEphemeralKeyInfo() as { name?: string }).name, "X25519");
    socket.destroy();
  });

  it("resumes no session, in neither version", async () => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const options = { ...device, minVersion: version, maxVersion: version };
      const first = await dial(options);
      const sessions: Buffer[] = [];
      first.on("session", (session) => sessions.push(session));
      const known = new MqttClient({ stream: first, after: (delay, action) => world.clock.after(delay, action) });
      await known.connect({ clientId: "resumes" });
      const session = sessions.at(-1) ?? first.getSession();
      await known.disconnect();
      const again = await dial({ ...options, ...(session === undefined ? {} : { session }) });
      assert.equal(again.isSessionReused(), false, version);
      again.destroy();
    }
  });

  it("cannot be made to renegotiate", async () => {
    const socket = await dial({ ...device, maxVersion: "TLSv1.2" });
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    socket.on("error", resolve);
    socket.renegotiate({ rejectUnauthorized: false }, resolve);
    assert.notEqual(await promise, null);
    socket.destroy();
  });

  it("ends a socket that does not finish its handshake within ten seconds", async () => {
    const idle = connectTcp(port, "127.0.0.1");
    const slow = connectTcp(port, "127.0.0.1");
    slow.write(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00));
    await Promise.all([once(idle, "connect"), once(slow, "connect")]);
    while (world.broker.stats().unauthenticated < 2) await settle();
    const closed = Promise.all([once(idle, "close"), once(slow, "close")]);
    idle.resume();
    slow.resume();
    await world.advance(9_750);
    assert.equal(world.broker.stats().unauthenticated, 2);
    await world.advance(500);
    await closed;
    while (world.broker.stats().unauthenticated > 0) await settle();
  });

  it("closes at bytes that are not TLS", async () => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await once(socket, "close");
    while (world.broker.stats().unauthenticated > 0) await settle();
  });

  it("changes its certificate without ending connections", async () => {
    const { client } = await mqtt(device);
    const renewed = await testCertificate("localhost");
    world.broker.setSecureContext(renewed);
    const socket = await dial({ ...device, ca: renewed.cert });
    assert.deepEqual(socket.getPeerX509Certificate()?.raw, new X509Certificate(renewed.cert).raw);
    socket.destroy();
    await client.publish({ topic: "a", payload: "still here", qos: 1 });
    world.broker.setSecureContext(server);
    await client.disconnect();
  });

  it("writes an answer and its acknowledgement as one TLS record", async () => {
    world.reserved.answer = async ({ topic, reply }) => reply(`${topic}/accepted`, Buffer.from("{}"));
    const socket = await dial(device);
    const sizes: number[] = [];
    const client = new MqttClient({ stream: socket, after: (delay, action) => world.clock.after(delay, action) });
    await client.connect({ clientId: "one-record" });
    await client.subscribe([{ filter: "$aws/x/accepted", qos: 0 }]);
    socket.on("data", (chunk: Buffer) => sizes.push(chunk.length));
    await client.publish({ topic: "$aws/x", payload: "{}", qos: 1 });
    assert.equal(sizes.length, 1);
    await client.disconnect();
  });
});

describe("a listener under limits", () => {
  it("resets the sockets of an address that has too many unfinished, and serves others", async () => {
    const own = await TestWorld.start({ tls: server, limits: { unauthenticatedPerAddress: 2 } });
    const address: AddressInfo = await own.broker.listen(0, "127.0.0.1");
    await using _closed = { [Symbol.asyncDispose]: () => own.broker.close() };
    const held = [1, 2].map(() => connectTcp(address.port, "127.0.0.1"));
    await Promise.all(held.map((socket) => once(socket, "connect")));
    const third = connectTcp(address.port, "127.0.0.1");
    const [reset] = await once(third, "error");
    assert.equal((reset as NodeJS.ErrnoException).code, "ECONNRESET");
    assert.ok(own.events.lines.includes("refused 127.0.0.1 connection_limit_reached"));
    held[0]?.destroy();
    while (own.broker.stats().unauthenticated > 1) await settle();
    const fourth = connect({ host: "127.0.0.1", port: address.port, ca: server.cert, servername: "localhost" });
    await once(fourth, "secureConnect");
    fourth.destroy();
    held[1]?.destroy();
  });
});

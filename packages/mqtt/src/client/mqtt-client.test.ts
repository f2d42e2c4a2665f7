import assert from "node:assert/strict";
import { Duplex, duplexPair } from "node:stream";
import { type TestContext, test } from "node:test";
import type { ConnackPacket, ProtocolVersion, PublishPacket } from "../packets.ts";
import { HandTimers, ScriptedServer } from "../testing/scripted-server.ts";
import type { ConnectRequest, MqttClientOptions } from "./client-options.ts";
import { type ConnectionEnd, ConnectionEndedError } from "./connection-end.ts";
import { MqttClient } from "./mqtt-client.ts";

const ANSWER_MS = 7_000;

interface World {
  /** The client's own stream. */
  readonly stream: Duplex;
  readonly client: MqttClient;
  readonly server: ScriptedServer;
  readonly timers: HandTimers;
}

function start(version: ProtocolVersion = 5, options: Partial<MqttClientOptions> = {}): World {
  const [near, far] = duplexPair();
  const timers = new HandTimers();
  const client = new MqttClient({ stream: near, after: timers.after, answerTimeoutMs: ANSWER_MS, ...options });
  return { stream: near, client, server: new ScriptedServer(far, version), timers };
}

interface Opening {
  readonly version?: ProtocolVersion;
  readonly request?: Partial<ConnectRequest>;
  readonly connack?: Partial<ConnackPacket>;
  readonly options?: Partial<MqttClientOptions>;
}

async function connected(t: TestContext, { version = 5, request, connack, options }: Opening = {}): Promise<World> {
  const world = start(version, options);
  t.after(() => world.server.stream.destroy());
  const answer = world.client.connect({ clientId: "device", version, ...request });
  await world.server.next("connect");
  world.server.send({ type: "connack", sessionPresent: false, reasonCode: 0, ...connack });
  await answer;
  return world;
}

function endedBy(kind: ConnectionEnd["kind"]): (error: unknown) => boolean {
  return (error) => error instanceof ConnectionEndedError && error.end.kind === kind;
}

function incoming(topic: string, packetId?: number): PublishPacket {
  const message = { type: "publish", topic, payload: Buffer.from("p"), retain: false, duplicate: false } as const;
  if (packetId === undefined) return { ...message, qos: 0, properties: {} };
  return { ...message, qos: 1, packetId, properties: {} };
}

for (const version of [4, 5] as const) {
  test(`connects, publishes, subscribes and disconnects in version ${version}`, async (t) => {
    const { client, server } = await connected(t, { version });
    const published = client.publish({ topic: "t", payload: "hello", qos: 1 });
    const { packetId = 0, payload } = await server.next("publish");
    assert.equal(Buffer.from(payload).toString(), "hello");
    server.send({ type: "puback", packetId, reasonCode: version === 5 ? 0x10 : 0 });
    assert.deepEqual(await published, { reasonCode: version === 5 ? 0x10 : 0 });

    const subscribed = client.subscribe([{ filter: "a/#" }, { filter: "b", qos: 0 }]);
    const subscribe = await server.next("subscribe");
    assert.deepEqual(
      subscribe.subscriptions.map(({ filter, qos }) => [filter, qos]),
      [
        ["a/#", 1],
        ["b", 0],
      ],
    );
    server.send({ type: "suback", packetId: subscribe.packetId, reasonCodes: [1, 0x80] });
    assert.deepEqual((await subscribed).reasonCodes, [1, 0x80]);

    const unsubscribed = client.unsubscribe(["b"]);
    const unsubscribe = await server.next("unsubscribe");
    assert.deepEqual(unsubscribe.filters, ["b"]);
    server.send({ type: "unsuback", packetId: unsubscribe.packetId, reasonCodes: version === 5 ? [0] : [] });
    await unsubscribed;

    const ended = client.disconnect();
    assert.equal((await server.next("disconnect")).reasonCode, 0);
    assert.equal((await ended).kind, "disconnected");
    assert.equal(client.outstanding, 0);
  });
}

test("sends in CONNECT what it is asked to", async (t) => {
  const { client, server } = start();
  t.after(() => server.stream.destroy());
  const will = {
    topic: "w",
    payload: Buffer.from("gone"),
    qos: 1,
    retain: false,
    delayInterval: 5,
    properties: {},
  } as const;
  const answer = client.connect({ clientId: "device", clean: false, keepAlive: 30, sessionExpiryInterval: 3600, will });
  const { type, version, ...rest } = await server.next("connect");
  assert.deepEqual(rest, { clientId: "device", clean: false, keepAlive: 30, sessionExpiryInterval: 3600, will });
  server.send({ type: "connack", sessionPresent: true, reasonCode: 0, serverKeepAlive: 10 });
  assert.equal((await answer).sessionPresent, true);
});

test("a refused connection resolves with its reason code, and ends with it", async () => {
  const { client, server } = start();
  const answer = client.connect({ clientId: "device" });
  await server.next("connect");
  server.send({ type: "connack", sessionPresent: false, reasonCode: 0x87, reasonString: "unknown certificate" });
  assert.equal((await answer).reasonCode, 0x87);
  const end = await client.closed;
  assert.equal(end.kind, "refused");
  assert.equal(end.message, "the server refused the connection: notAuthorized (0x87), unknown certificate");
  await assert.rejects(client.publish({ topic: "t", payload: "" }), endedBy("refused"));
});

test("each message goes to the handler, and QoS 1 is acknowledged after it", async (t) => {
  const seen: string[] = [];
  const onMessage = ({ topic }: PublishPacket) => void seen.push(topic);
  const { server } = await connected(t, { options: { onMessage } });
  server.send(incoming("a"));
  server.send(incoming("b", 7));
  assert.equal((await server.next("puback")).packetId, 7);
  assert.deepEqual(seen, ["a", "b"]);
});

test("a message whose handler throws is not acknowledged; the connection ends and says why", async (t) => {
  const fault = new Error("disk full");
  const onMessage = () => {
    throw fault;
  };
  const { client, server } = await connected(t, { options: { onMessage } });
  server.send(incoming("a", 7));
  assert.equal((await server.next("disconnect")).reasonCode, 0x83);
  const end = await client.closed;
  assert.equal(end.kind, "handler-failed");
  assert.equal(end.error, fault);
});

test("everything that waits is rejected when the connection ends, with the server's reason", async (t) => {
  const { client, server } = await connected(t, { connack: { receiveMaximum: 1 } });
  const waits = [
    client.publish({ topic: "t", payload: "1", qos: 1 }),
    client.publish({ topic: "t", payload: "2", qos: 1 }),
    client.subscribe([{ filter: "t" }]),
    client.unsubscribe(["t"]),
  ];
  const checks = waits.map((wait) => assert.rejects(wait, endedBy("disconnected-by-server")));
  server.send({ type: "disconnect", reasonCode: 0x8e, reasonString: "elsewhere" });
  await Promise.all(checks);
  const end = await client.closed;
  assert.deepEqual([end.reasonCode, end.reasonString], [0x8e, "elsewhere"]);
});

test("connect is rejected when the stream ends or fails before CONNACK", async () => {
  const ended = start();
  const first = assert.rejects(ended.client.connect({ clientId: "d" }), endedBy("closed"));
  await ended.server.next("connect");
  ended.server.stream.end();
  await first;

  const failed = start();
  const second = assert.rejects(failed.client.connect({ clientId: "d" }), endedBy("closed"));
  await failed.server.next("connect");
  failed.server.stream.destroy();
  await second;
});

test("a failing stream ends the client with the stream's error", async () => {
  const [near] = duplexPair();
  const client = new MqttClient({ stream: near, after: new HandTimers().after });
  const answer = assert.rejects(client.connect({ clientId: "d" }), endedBy("stream-failed"));
  near.destroy(new Error("ECONNRESET"));
  await answer;
  assert.equal((await client.closed).message, "the connection failed: ECONNRESET");
});

test("a server that does not answer CONNECT is given up", async () => {
  const { client, timers } = start();
  const answer = assert.rejects(client.connect({ clientId: "d" }), endedBy("timed-out"));
  timers.fire(ANSWER_MS);
  await answer;
  assert.equal((await client.closed).kind, "timed-out");
});

test("a quiet connection is pinged, and given up when nothing comes back", async (t) => {
  const { client, server, timers } = await connected(t, { request: { keepAlive: 20 } });
  assert.deepEqual(timers.delays, [10_000]);
  timers.fire(10_000);
  await server.next("pingreq");
  server.send({ type: "pingresp" });
  await client.publish({ topic: "t", payload: "" });
  await server.next("publish");
  timers.fire(10_000);
  timers.fire(10_000);
  await server.next("pingreq");
  timers.fire(10_000);
  assert.equal((await client.closed).kind, "timed-out");
  assert.deepEqual(timers.delays, []);
});

test("the server's keep-alive overrides ours, and 0 means no pings", async (t) => {
  const asked = await connected(t, { connack: { serverKeepAlive: 8 } });
  assert.deepEqual(asked.timers.delays, [4_000]);
  const off = await connected(t, { request: { keepAlive: 0 } });
  assert.deepEqual(off.timers.delays, []);
});

test("no more QoS 1 messages are on their way than the server allows, and they keep their order", async (t) => {
  const { client, server } = await connected(t, { connack: { receiveMaximum: 1 } });
  const sent = ["1", "2", "3"].map((payload) => client.publish({ topic: "t", payload, qos: 1 }));
  const order: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const { packetId = 0, payload } = await server.next("publish");
    order.push(Buffer.from(payload).toString());
    assert.equal(client.outstanding, 1);
    server.send({ type: "puback", packetId, reasonCode: 0 });
  }
  await Promise.all(sent);
  assert.deepEqual(order, ["1", "2", "3"]);
});

test("what is sent in one turn leaves in one write", async () => {
  const writes: number[] = [];
  const stream = new Duplex({
    read() {},
    writev(chunks, done) {
      writes.push(chunks.length);
      done();
    },
  });
  const client = new MqttClient({ stream, after: new HandTimers().after });
  const answer = client.connect({ clientId: "d" });
  stream.push(Buffer.of(0x20, 0x03, 0, 0, 0));
  await answer;
  await Promise.all(["1", "2", "3"].map((payload) => client.publish({ topic: "t", payload })));
  assert.deepEqual(writes, [1, 3]);
  stream.destroy();
});

test("messages that wait for the window are bounded", async (t) => {
  const options = { limits: { waitingPublishes: 1 } };
  const { client, server } = await connected(t, { connack: { receiveMaximum: 1 }, options });
  const message = { topic: "t", payload: "", qos: 1 } as const;
  const waits = [client.publish(message), client.publish(message)].map((wait) => assert.rejects(wait));
  await assert.rejects(client.publish(message), /1 messages wait/);
  server.stream.destroy();
  await Promise.all(waits);
});

test("a refused QoS 1 message resolves with the server's reason", async (t) => {
  const { client, server } = await connected(t);
  const sent = client.publish({ topic: "t", payload: "", qos: 1 });
  const { packetId = 0 } = await server.next("publish");
  server.send({ type: "puback", packetId, reasonCode: 0x87, reasonString: "not yours" });
  assert.deepEqual(await sent, { reasonCode: 0x87, reasonString: "not yours" });
});

test("what the server would refuse is refused here with a sentence, and the connection lives on", async (t) => {
  const connack = { retainAvailable: false, maximumQoS: 0, maximumPacketSize: 40 } as const;
  const { client, server } = await connected(t, { connack });
  await assert.rejects(client.publish({ topic: "a/+", payload: "" }), /contains a wildcard/);
  await assert.rejects(client.publish({ topic: "a\u0000", payload: "" }), /control character/);
  await assert.rejects(client.publish({ topic: "a", payload: "", retain: true }), /retained messages/);
  await assert.rejects(client.publish({ topic: "a", payload: "", qos: 1 }), /QoS 0 at most/);
  await assert.rejects(client.publish({ topic: "a", payload: "x".repeat(40) }), /over the server's limit of 40/);
  await assert.rejects(client.subscribe([{ filter: "a#" }]), /must be the whole last level/);
  await assert.rejects(client.unsubscribe(["b".repeat(40)]), /over the server's limit of 40/);
  assert.equal(client.outstanding, 0);
  await client.publish({ topic: "a", payload: "" });
  await server.next("publish");
});

test("nothing can be asked before CONNACK, and connecting twice is refused", async (t) => {
  const { client, server } = start();
  t.after(() => server.stream.destroy());
  await assert.rejects(client.publish({ topic: "t", payload: "" }), /not connected yet/);
  const first = client.connect({ clientId: "d" }).catch(() => {});
  await assert.rejects(client.connect({ clientId: "d" }), /has connected already/);
  server.stream.destroy();
  await first;
});

test("a server that breaks the protocol is told so and left", async (t) => {
  const { client, server } = await connected(t);
  server.stream.write(Buffer.of(0xc0, 0x00));
  assert.equal((await server.next("disconnect")).reasonCode, 0x82);
  assert.equal((await client.closed).kind, "protocol-error");
});

test("an acknowledgement that nothing waits for is a protocol error", async (t) => {
  const { client, server } = await connected(t);
  server.send({ type: "puback", packetId: 9, reasonCode: 0 });
  assert.match((await client.closed).message, /packet identifier 9, which nothing waits for/);
});

test("an answer of another kind than was asked for is a protocol error", async (t) => {
  const { client, server } = await connected(t);
  const subscribed = assert.rejects(client.subscribe([{ filter: "t" }]), endedBy("protocol-error"));
  const { packetId } = await server.next("subscribe");
  server.send({ type: "puback", packetId, reasonCode: 0 });
  await subscribed;
});

test("a handler may disconnect; its message is then not acknowledged", async (t) => {
  const ended: Promise<ConnectionEnd>[] = [];
  const onMessage = () => void ended.push(client.disconnect());
  const { client, server, stream } = await connected(t, { options: { onMessage } });
  server.send(incoming("a", 7));
  await server.next("disconnect");
  assert.deepEqual([(await ended[0])?.kind, server.arrived], ["disconnected", 0]);
  assert.equal(stream.errored, null, "something was written after the good-bye");
});

test("a fault ends a 3.1.1 connection without DISCONNECT, so that the server publishes the will", async (t) => {
  const onMessage = () => {
    throw new Error("disk full");
  };
  const { client, server } = await connected(t, { version: 4, options: { onMessage } });
  server.send(incoming("a", 7));
  assert.equal((await client.closed).kind, "handler-failed");
  assert.equal(server.arrived, 0);
});

test("no timer is left behind, however a connection ends", async (t) => {
  const left = await connected(t);
  await left.client.disconnect();
  assert.deepEqual(left.timers.delays, []);
  const cut = await connected(t);
  cut.server.stream.destroy();
  await cut.client.closed;
  assert.deepEqual(cut.timers.delays, []);
  const early = start();
  const refused = assert.rejects(early.client.connect({ clientId: "d" }));
  early.server.stream.destroy();
  await refused;
  assert.deepEqual(early.timers.delays, []);
});

test("a message with QoS 2 is refused", async (t) => {
  const { client, server } = await connected(t);
  server.send({ ...incoming("a", 3), qos: 2 });
  assert.equal((await client.closed).reasonCode, 0x9b);
});

test("topic aliases work when asked for, and are refused when not", async (t) => {
  const seen: string[] = [];
  const options = { onMessage: ({ topic }: PublishPacket) => void seen.push(topic) };
  const { server, client } = await connected(t, { request: { topicAliasMaximum: 1 }, options });
  server.send({ ...incoming("a"), properties: { topicAlias: 1 } });
  server.send({ ...incoming("", 1), properties: { topicAlias: 1 } });
  await server.next("puback");
  assert.deepEqual(seen, ["a", "a"]);
  const beyond: PublishPacket = incoming("b");
  server.send({ ...beyond, properties: { topicAlias: 2 } });
  assert.equal((await client.closed).reasonCode, 0x94);
});

test("a server that does not close after DISCONNECT is not waited for longer than told", async () => {
  const [near, far] = duplexPair();
  const timers = new HandTimers();
  const client = new MqttClient({ stream: near, after: timers.after, answerTimeoutMs: ANSWER_MS });
  far.resume();
  const answer = client.connect({ clientId: "d", keepAlive: 0 });
  far.write(Buffer.of(0x20, 0x03, 0, 0, 0));
  await answer;
  const ended = client.disconnect();
  timers.fire(ANSWER_MS);
  assert.equal((await ended).kind, "disconnected");
});

test("disconnecting twice, or after the end, resolves with the first end", async (t) => {
  const { client } = await connected(t);
  const [first, second] = await Promise.all([client.disconnect(), client.disconnect(0x04)]);
  assert.equal(first, second);
  assert.equal(await client.disconnect(), first);
});

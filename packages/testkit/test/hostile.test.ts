// Clients that mean harm, against a real server in its own process: each is bounded or gone in time, and a good device goes on as if
// they were not there. What they cost in memory is printed beside what the same sockets cost a bare TLS server.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { LIMITS } from "@fleetmint/server";
import { RawConnection, type Target } from "../src/index.ts";
import type { Command, Memory, Ready } from "./hostile-server.ts";

/** A server process and the channel to it. */
class Victim {
  readonly target: Target;
  readonly ready: Ready;
  readonly #child: ChildProcess;
  #requests = 0;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
    this.target = { host: "127.0.0.1", port: ready.port, caPem: ready.caPem };
  }

  static async start(kind: "fleetmint" | "bare"): Promise<Victim> {
    const program = fileURLToPath(new URL("hostile-server.ts", import.meta.url));
    const child = fork(program, [kind], { execArgv: [...process.execArgv, "--expose-gc"] });
    const [ready] = (await once(child, "message")) as [Ready];
    return new Victim(child, ready);
  }

  async ask(command: Command): Promise<unknown> {
    const id = ++this.#requests;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const listen = (message: { readonly id: number; readonly result: unknown }) => {
      if (message.id !== id) return;
      this.#child.off("message", listen);
      resolve(message.result);
    };
    this.#child.on("message", listen);
    this.#child.send({ id, command });
    return promise;
  }

  async advance(byMs: number): Promise<void> {
    await this.ask({ do: "advance", byMs });
  }

  /** How many it has accepted and not yet closed. */
  async sockets(): Promise<number> {
    return (await this.ask({ do: "sockets" })) as number;
  }

  async memory(): Promise<Memory> {
    return (await this.ask({ do: "memory" })) as Memory;
  }

  /** The server has gone through its event loop a few times: what had arrived is dealt with. */
  async catchUp(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await this.ask({ do: "nothing" });
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }
}

const SECOND = 1000;
const KIB = 1024;
/** Of the CONNECT that is sent but for its last bytes. */
const ARRIVED = LIMITS.connectPacketBytes - 256;
/** CONNECT with the longest body that is announced and never comes. */
const HUGE_HEADER = Buffer.of(0x10, 0xff, 0xff, 0xff, 0x7f);

let victim: Victim;
let bare: Victim;
let good: RawConnection;

describe("hostile clients", () => {
  before(async () => {
    [victim, bare] = await Promise.all([Victim.start("fleetmint"), Victim.start("bare")]);
    good = await RawConnection.open(victim.target, victim.ready.good);
    assert.equal((await good.connect({ clientId: "dev-good" })).reasonCode, 0);
  });
  afterEach(async () => {
    await unharmed();
    // A new second for whoever is counted by the second.
    await victim.advance(SECOND);
  });
  after(async () => {
    await good.cut();
    await Promise.all([victim.stop(), bare.stop()]);
  });

  test("a CONNECT that announces 256 MB is cut off at its header, and costs nothing", async () => {
    const before = await victim.memory();
    const liars = await many(50, () => RawConnection.open(victim.target));
    for (const liar of liars) liar.write(Buffer.concat([HUGE_HEADER, Buffer.alloc(8 * KIB)]));
    await Promise.all(liars.map((liar) => liar.closed));
    await Promise.all(liars.map((liar) => liar.cut()));
    const after = await victim.memory();
    assert.ok(after.arrayBuffers - before.arrayBuffers < 1024 * KIB, "no buffer was made for what was announced");
  });

  test("whoever sends a byte a second, or nothing, at any stage, is gone in ten seconds", async () => {
    const slow = await many(100, () => RawConnection.open(victim.target));
    const idle = await many(50, () => RawConnection.open(victim.target));
    const known = await victim.sockets();
    const halfOpen = await many(50, () => openTcp());
    const silent = await many(50, () => openTcp());
    const connect = Buffer.from("101000044d5154540502003c00000164", "hex");
    // The first bytes of a ClientHello record of 512 bytes.
    for (const { socket } of halfOpen) socket.write(Buffer.from("16030102000100", "hex"));
    // The kernel completes a connection before the server knows of it; time counts from there.
    while ((await victim.sockets()) < known + halfOpen.length + silent.length);
    for (let second = 0; second < 10; second++) {
      for (const client of slow) client.write(connect.subarray(second, second + 1));
      if (second === 4)
        assert.ok(
          slow.every((client) => !client.isClosed),
          "nobody is cut off early",
        );
      await victim.advance(SECOND);
      await unharmed();
    }
    await Promise.all([...slow, ...idle, ...halfOpen, ...silent].map((client) => client.closed));
  });

  test("of 600 unauthenticated sockets from one address 512 are let in; another address is served meanwhile", async () => {
    const sockets = await many(600, () => openTcp());
    const open = () => sockets.filter(({ isClosed }) => !isClosed).length;
    while (open() > LIMITS.unauthenticatedPerAddress) await victim.catchUp();
    await victim.catchUp();
    assert.equal(open(), LIMITS.unauthenticatedPerAddress);
    await unharmed();
    await using elsewhere = await RawConnection.open(victim.target, victim.ready.mighty, { localAddress: "127.0.0.2" });
    assert.equal((await elsewhere.connect({ clientId: "dev-mighty" })).reasonCode, 0);
    await victim.advance(10 * SECOND);
    await Promise.all(sockets.map(({ closed }) => closed));
    await using back = await RawConnection.open(victim.target, victim.ready.mighty);
    assert.equal((await back.connect({ clientId: "dev-mighty" })).reasonCode, 0);
  });

  test("a flood of connects from one address is cut before TLS costs anything", async () => {
    const batch = () => many(100, () => openTcp());
    // 1,000 a second; the clock stands still.
    for (let round = 0; round < 10; round++) {
      const sockets = await batch();
      await victim.catchUp();
      assert.ok(sockets.every(({ isClosed }) => !isClosed));
      for (const { socket } of sockets) socket.destroy();
      await victim.catchUp();
    }
    const refused = await batch();
    await Promise.all(refused.map(({ closed }) => closed));
    await unharmed();
  });

  test("CONNECTs of nobody are refused, as many as there are", async () => {
    const nobodies = await many(200, () => RawConnection.open(victim.target));
    const answers = await Promise.all(nobodies.map((nobody, at) => nobody.connect({ clientId: `nobody-${at}` })));
    assert.ok(answers.every(({ reasonCode }) => reasonCode === 0x87));
    await Promise.all(nobodies.map((nobody) => nobody.cut()));
  });

  test("garbage ends the connection, before TLS and after", async () => {
    const garbage = [
      Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
      Buffer.alloc(600, 0xa5),
      Buffer.of(0x80, 0x2e, 1),
    ];
    for (const bytes of garbage.slice(0, 2)) {
      const sockets = await many(20, () => openTcp());
      for (const { socket } of sockets) socket.write(bytes);
      await Promise.all(sockets.map(({ closed }) => closed));
    }
    for (const bytes of garbage) {
      const connections = await many(20, () => RawConnection.open(victim.target));
      for (const connection of connections) connection.write(bytes);
      await Promise.all(connections.map(({ closed }) => closed));
    }
  });

  test("TLS is not renegotiated", async () => {
    const { good: credentials } = victim.ready;
    const socket = connectTls({
      ...victim.target,
      ca: victim.target.caPem,
      cert: credentials!.certificatePem,
      key: credentials!.privateKeyPem,
      maxVersion: "TLSv1.2",
    });
    await once(socket, "secureConnect");
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    socket.on("error", resolve);
    socket.renegotiate({}, resolve);
    assert.match(String(await promise), /renegotiation/i);
    socket.destroy();
  });

  test("a PUBLISH over the limit ends its connection at the header", async () => {
    const before = await victim.memory();
    await using liar = await mighty("liar");
    // 200,000 bytes announced; the limit is 146 KiB.
    liar.write(Buffer.of(0x30, 0xc0, 0x9a, 0x0c, 0, 1, 0x61));
    assert.equal((await liar.next("disconnect")).reasonCode, 0x95);
    await liar.closed;
    assert.ok((await victim.memory()).arrayBuffers - before.arrayBuffers < 512 * KIB);
  });

  test("subscriptions end at fifty, eight filters a packet, eight levels and 256 bytes", async () => {
    await using bomber = await mighty("bomber");
    const codes: number[] = [];
    for (let packet = 0; packet < 8; packet++) {
      const filters = Array.from({ length: 8 }, (_, at) => `bomb/${packet}/${at}/+/#`);
      codes.push(...((await bomber.subscribe(...filters)) ?? []));
    }
    assert.equal(codes.filter((code) => code === 1).length, LIMITS.subscriptionsPerConnection);
    assert.ok(codes.slice(LIMITS.subscriptionsPerConnection).every((code) => code === 0x97));
    const [deep, long] = ["a/b/c/d/e/f/g/h/i", "x".repeat(LIMITS.topicBytes + 1)];
    assert.deepEqual(await bomber.subscribe(deep, long), [0x8f, 0x8f]);
    for (const topic of [deep, long]) {
      await using publisher = await mighty("publisher");
      publisher.publish({ topic });
      assert.equal((await publisher.next("disconnect")).reasonCode, 0x90);
    }
    assert.equal(await bomber.subscribe(...Array.from({ length: 9 }, (_, at) => `nine/${at}`)), undefined);
  });

  test("a device that asks and never reads is not read either", async () => {
    await using deaf = await mighty("deaf");
    await deaf.subscribe("echo");
    const before = await victim.memory();
    deaf.socket.pause();
    const publish = Buffer.concat([
      Buffer.of(0x30, 0x87, 0x80, 1, 0, 4),
      Buffer.from("echo"),
      Buffer.alloc(16 * KIB + 1),
    ]);
    for (let message = 0; message < 400; message++) deaf.write(publish);
    await victim.catchUp();
    await unharmed();
    const grown = (await victim.memory()).arrayBuffers - before.arrayBuffers;
    assert.ok(grown < 4 * LIMITS.outgoingBufferBytes, `${grown} bytes wait for a device that does not read`);
  });

  test("an unauthenticated connection holds at most 16 KiB, whatever it sends", async (context) => {
    const count = 200;
    // The longest CONNECT there is, but for its last bytes.
    const almost = Buffer.concat([Buffer.of(0x10, 0xfd, 0x1f), Buffer.alloc(LIMITS.connectPacketBytes - 8)]);
    almost.write("\0\u0004MQTT\u0005\u0002\0\0\0\u000f\u00a0", 3, "latin1");
    // What a first flood leaves in pools and compiled code is no connection's.
    for (const server of [victim, bare]) await growth(server, count / 4, almost);
    const ours = await growth(victim, count, almost);
    const theirs = await growth(bare, count, almost);
    const kib = (bytes: number) => (bytes / KIB / count).toFixed(1);
    context.diagnostic(
      `memory of ${count} unauthenticated TLS connections, KiB each: Fleetmint rss ${kib(ours.rss)}, buffers ${kib(ours.arrayBuffers)}, heap ${kib(ours.heapUsed)}; bare TLS server rss ${kib(theirs.rss)}, buffers ${kib(theirs.arrayBuffers)}, heap ${kib(theirs.heapUsed)}`,
    );
    assert.ok(ours.arrayBuffers >= count * ARRIVED, "what was sent is there to be measured");
    assert.ok(ours.arrayBuffers + Math.max(0, ours.heapUsed) <= count * 16 * KIB, "at most 16 KiB each");
  });
});

/** What so many connections that have said this, and wait, add to a server's memory. */
async function growth(server: Victim, count: number, words: Uint8Array): Promise<Memory> {
  const known = await server.sockets();
  const before = await server.memory();
  const connections = await many(count, () =>
    RawConnection.open(server.target, undefined, { rejectUnauthorized: false }),
  );
  await Promise.all(
    connections.map(({ socket }) => new Promise<void>((resolve) => socket.write(words, () => resolve()))),
  );
  let after = await server.memory();
  // The bare server keeps nothing; of ours it is known what must have arrived.
  for (let look = 0; server === victim && look < 100; look++) {
    if (after.arrayBuffers - before.arrayBuffers >= count * ARRIVED) break;
    after = await server.memory();
  }
  assert.ok(connections.every(({ isClosed }) => !isClosed));
  await Promise.all(connections.map((connection) => connection.cut()));
  while ((await server.sockets()) > known);
  return {
    rss: after.rss - before.rss,
    arrayBuffers: after.arrayBuffers - before.arrayBuffers,
    heapUsed: after.heapUsed - before.heapUsed,
  };
}

/** The good device says something, and is told that it was taken. */
async function unharmed(): Promise<void> {
  const packetId = good.publish({ topic: "devices/dev-good/state", payload: "fine", qos: 1 });
  const puback = await good.next("puback");
  assert.equal(puback.packetId, packetId);
  assert.ok(puback.reasonCode < 0x80);
}

async function mighty(clientId: string): Promise<RawConnection> {
  const connection = await RawConnection.open(victim.target, victim.ready.mighty);
  assert.equal((await connection.connect({ clientId })).reasonCode, 0);
  return connection;
}

/** A few dozen at a time, so that the attacker's own process keeps up. */
async function many<Client>(count: number, open: () => Promise<Client>): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    clients.push(...(await Promise.all(Array.from({ length: Math.min(50, count - clients.length) }, open))));
  }
  return clients;
}

interface TcpClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  isClosed: boolean;
}

/** Resolves once the connection stands, or was reset at once. */
async function openTcp(): Promise<TcpClient> {
  const socket = connectTcp(victim.target.port, victim.target.host);
  const { promise, resolve } = Promise.withResolvers<void>();
  const client: TcpClient = { socket, closed: promise, isClosed: false };
  const gone = (): void => {
    client.isClosed = true;
    socket.destroy();
    resolve();
  };
  socket.on("error", gone).on("end", gone).on("close", gone).resume();
  await Promise.race([once(socket, "connect").catch(() => {}), promise]);
  return client;
}

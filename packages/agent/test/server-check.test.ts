import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { ServerTarget } from "../src/connect/check-server.ts";
import { openVerifiedTls } from "../src/connect/verified-tls.ts";
import { TrustedTime } from "../src/identity/trusted-time.ts";
import { systemClock } from "../src/system/clock.ts";
import { RecordingProxy } from "./recording-proxy.ts";
import { type LeafRequest, TestCa } from "./test-ca.ts";
import { TestServer, type TestServerOptions } from "./test-server.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SERVER: LeafRequest = { profile: "server", commonName: "server", dns: ["localhost"] };
const ca = await TestCa.create();
const foreignCa = await TestCa.create();
/** To OpenSSL, which reads the real clock, this CA's certificates are not yet valid: the clock is ten days behind. */
const laterCa = await TestCa.create(Date.now() + 10 * DAY_MS);
const laterForeignCa = await TestCa.create(Date.now() + 10 * DAY_MS);

interface Meeting {
  readonly server: TestServerOptions;
  readonly trusted?: TestCa;
  readonly host?: string;
  readonly floorMs?: number;
}

/** What came of one connection, and what a listener on the path could see of it. */
async function meet({ server, trusted = ca, host = "localhost", floorMs }: Meeting) {
  await using running = await TestServer.start(server);
  await using proxy = await RecordingProxy.start(running.port);
  const { certificatePem, privateKeyPem } = running.claim();
  const target: ServerTarget = { host, port: proxy.port, rootCaPem: trusted.rootPem, rootCaPath: "/ca.pem" };
  const time = new TrustedTime(systemClock, floorMs);
  try {
    const tls = await openVerifiedTls({ clock: systemClock, time }, target, { certificatePem, privateKeyPem });
    tls.destroy();
    await proxy.clientGone;
    return { time, records: proxy.recordTypes };
  } catch (error) {
    await proxy.clientGone;
    return { error: error as Error & { reason: string; fix: string }, time, records: proxy.recordTypes };
  }
}

function assertNothingButHello(records: number[]): void {
  assert.ok(records.length >= 1);
  assert.deepEqual(
    records.filter((type) => type === 23),
    [],
    "an encrypted record left before the server was trusted",
  );
}

test("a server of the configured CA under its own name is trusted", async () => {
  const { error } = await meet({ server: { ca } });
  assert.equal(error, undefined);
});

test("a server of another CA gets a hello and nothing else", async () => {
  const { error, records } = await meet({ server: { ca }, trusted: foreignCa });
  assert.equal(error?.reason, "server_not_trusted");
  assert.match(error.fix, /root-ca/);
  assertNothingButHello(records);
});

test("a server with another name gets a hello and nothing else", async () => {
  const certificate = ca.leaf({ ...SERVER, dns: ["other.example"] });
  const { error, records } = await meet({ server: { ca, certificate } });
  assert.equal(error?.reason, "server_name_mismatch");
  assert.match(error.message, /other\.example.*localhost/);
  assertNothingButHello(records);
});

test("an expired server gets a hello and nothing else", async () => {
  const past = await TestCa.create(Date.now() - 10 * DAY_MS);
  const certificate = past.leaf({ ...SERVER, validForSeconds: 3600 });
  const { error, records } = await meet({ server: { ca: past, certificate }, trusted: past });
  assert.equal(error?.reason, "server_certificate_expired");
  assertNothingButHello(records);
});

test("a client's certificate does not make a server", async () => {
  const certificate = ca.leaf({ profile: "device", commonName: "localhost" });
  const { error, records } = await meet({ server: { ca, certificate } });
  assert.equal(error?.reason, "server_not_trusted");
  assertNothingButHello(records);
});

/** What Node's own client lets a false server see. */
async function recordsOfPlainNode(options: ConnectionOptions): Promise<number[]> {
  await using server = await TestServer.start({ ca });
  await using proxy = await RecordingProxy.start(server.port);
  const { certificatePem, privateKeyPem } = server.claim();
  const credential = { ca: foreignCa.rootPem, cert: certificatePem, key: privateKeyPem };
  const socket = connectTls({
    ...credential,
    host: "127.0.0.1",
    port: proxy.port,
    servername: "localhost",
    ...options,
  });
  socket.on("error", () => {});
  // A verdict that takes one more turn of the loop, as every asynchronous check does.
  socket.on("secureConnect", () => setImmediate(() => socket.destroy()));
  await proxy.clientGone;
  return proxy.recordTypes;
}

test("the recorder can see a credential: without the held flight it leaves before the verdict", async () => {
  // In TLS 1.2 the certificate is a handshake record of its own, in the clear, though Node refuses the server.
  const clear = await recordsOfPlainNode({ maxVersion: "TLSv1.2", rejectUnauthorized: true });
  assert.ok(clear.filter((type) => type === 22).length > 1);
  const encrypted = await recordsOfPlainNode({ minVersion: "TLSv1.3", rejectUnauthorized: false });
  assert.ok(encrypted.includes(23));
});

test("a server that only speaks TLS 1.2 is refused with a sentence", async () => {
  const { error, records } = await meet({ server: { ca, maxVersion: "TLSv1.2" } });
  assert.equal(error?.reason, "tls_version_refused");
  assertNothingButHello(records);
});

test("a device whose clock is behind trusts its server, and learns how late it is at least", async () => {
  const { error, time } = await meet({ server: { ca: laterCa }, trusted: laterCa });
  assert.equal(error, undefined);
  assert.ok(time.now() > Date.now() + 9 * DAY_MS);
  assert.ok(time.clockIsBehind());
});

test("with a clock that is behind, another CA is refused though its own root stands in the chain", async () => {
  const chainPem = laterForeignCa.issuingPem + laterForeignCa.rootPem;
  const { error, records } = await meet({ server: { ca: laterForeignCa, chainPem }, trusted: laterCa });
  assert.equal(error?.reason, "server_not_trusted");
  assertNothingButHello(records);
});

test("with a clock that is behind, another name is refused", async () => {
  const certificate = laterCa.leaf({ ...SERVER, dns: ["other.example"] });
  const { error, records } = await meet({ server: { ca: laterCa, certificate }, trusted: laterCa });
  assert.equal(error?.reason, "server_name_mismatch");
  assertNothingButHello(records);
});

test("with a clock that is behind, a client's certificate does not make a server", async () => {
  const certificate = laterCa.leaf({ profile: "device", commonName: "localhost" });
  const { error, records } = await meet({ server: { ca: laterCa, certificate }, trusted: laterCa });
  assert.ok(error !== undefined);
  assertNothingButHello(records);
});

test("with a clock that is behind, a certificate that ended before a proved moment is refused", async () => {
  const certificate = laterCa.leaf({ ...SERVER, validForSeconds: 3600 });
  const floorMs = Date.now() + 11 * DAY_MS;
  const { error, records } = await meet({ server: { ca: laterCa, certificate }, trusted: laterCa, floorMs });
  assert.equal(error?.reason, "server_not_trusted");
  assert.match(error.message, /ended before a moment that has certainly passed/);
  assertNothingButHello(records);
});

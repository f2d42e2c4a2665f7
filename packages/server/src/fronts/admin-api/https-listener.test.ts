import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import { Agent, request } from "undici";
import { createAdminApi } from "./admin-api.ts";
import { fixedWorld } from "./testing/fixed-world.ts";
import { testTlsIdentity } from "./testing/tls-identity.ts";

const tls = await testTlsIdentity();

async function serve(identity = tls) {
  const world = fixedWorld();
  const api = createAdminApi(world.ports, { tls: identity });
  const port = await api.listen(0, "127.0.0.1");
  const agent = new Agent({ connect: { ca: identity.caPem, servername: "localhost" } });
  const ask = async (path: string) => {
    const headers = { authorization: `Bearer ${world.token}` };
    const { statusCode, body } = await request(`https://127.0.0.1:${port}${path}`, { dispatcher: agent, headers });
    return { statusCode, text: await body.text() };
  };
  return { api, port, ask, end: () => Promise.all([api.close(), agent.close()]) };
}

test("an operation is served over HTTPS under the server's certificate", async () => {
  const { ask, end } = await serve();
  assert.equal((await ask("/v1/things/sensor-1")).statusCode, 200);
  assert.match((await ask("/v1/audit/export")).text, /installation\.initialized.*\n.*claim\.created/);
  await end();
});

test("a renewed certificate is shown to new connections without a restart", async () => {
  const { api, port, ask, end } = await serve();
  await ask("/healthz");
  const renewed = await testTlsIdentity("renewed.example");
  api.replaceCertificate(renewed);
  const socket = connect({ host: "127.0.0.1", port, ca: renewed.caPem, servername: "renewed.example" });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("secureConnect", resolve).once("error", reject);
  await promise;
  socket.destroy();
  await end();
});

test("a closed listener accepts nothing and closing twice is harmless", async () => {
  const { api, port, ask, end } = await serve();
  await ask("/healthz");
  await end();
  await api.close();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  connect({ host: "127.0.0.1", port, ca: tls.caPem }).once("error", resolve);
  assert.match(String(await promise), /ECONNREFUSED/);
});

test("a port that is taken is an error of listen, not of the process", async () => {
  const { port, end } = await serve();
  const second = createAdminApi(fixedWorld().ports, { tls });
  await assert.rejects(second.listen(port, "127.0.0.1"), { code: "EADDRINUSE" });
  await end();
});

test("a client that never begins its TLS handshake does not delay the end", async () => {
  const { port, ask, end } = await serve();
  const silent = connectTcp(port, "127.0.0.1");
  silent.on("error", () => undefined);
  await once(silent, "connect");
  // Connections are accepted in their order: when this one is answered, the silent one is the server's.
  await ask("/healthz");
  const startedMs = performance.now();
  await Promise.all([end(), once(silent, "close")]);
  assert.ok(performance.now() - startedMs < 4_000, "its handshake would have timed out after ten seconds");
});

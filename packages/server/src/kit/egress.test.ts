import "reflect-metadata";
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { after, before, describe, it } from "node:test";
import * as x509 from "@peculiar/x509";
import { ManualClock } from "./clock.ts";
import { createEgress, type EgressSettings, type PostRequest, requireSuccess } from "./egress.ts";
import { EgressError, type EgressErrorKind } from "./egress-error.ts";
import { Fault } from "./fault.ts";

const request = (url: string, more: Partial<PostRequest> = {}): PostRequest => ({
  url,
  body: "{}",
  headers: {},
  timeoutMs: 5_000,
  maxAnswerBytes: 64 * 1024,
  ...more,
});

async function assertRefused(work: Promise<unknown>, kind: EgressErrorKind, pattern?: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof EgressError, String(error));
    assert.equal(error.kind, kind, error.message);
    if (pattern !== undefined) assert.match(error.message, pattern);
    return true;
  });
}

/** A server's name that "resolves" to what the test says. */
const resolvesTo = (...addresses: string[]): NonNullable<EgressSettings["resolve"]> => {
  const answer: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  return (_hostname, callback) => queueMicrotask(() => callback(null, answer));
};

const LITERALS = [
  "127.0.0.1",
  "127.1",
  "127.0.1",
  "2130706433",
  "0x7f000001",
  "0x7f.1",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "017700000001",
  "127.0.0.1.",
  "0",
  "0.0.0.0",
  "①②⑦.0.0.1",
  "127。0。0。1",
  "%31%32%37.0.0.1",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::127.0.0.1]",
  "[::ffff:0:127.0.0.1]",
  "[64:ff9b::127.0.0.1]",
  "[64:ff9b:1::7f00:1]",
  "[2002:7f00:1::]",
  "[2001:0:7f00:1::]",
  "[fe80::1]",
  "[fec0::1]",
  "[fc00::1]",
  "[fd12:3456::1]",
  "[ff02::1]",
  "[100::1]",
  "[2001:db8::1]",
  "[4000::1]",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "192.0.0.1",
  "192.0.2.1",
  "198.18.0.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
];

describe("egress: addresses", () => {
  const egress = createEgress({ resolve: () => assert.fail("a literal was looked up") });

  for (const literal of LITERALS) {
    it(`refuses ${literal} without connecting`, async () => {
      await assertRefused(egress.postJson(request(`https://${literal}:8443/`)), "refused-address");
    });
  }

  it("accepts public literals", () => {
    for (const host of ["1.1.1.1", "[2606:4700::1111]"])
      assert.equal(egress.checkUrl(`https://${host}/`).protocol, "https:");
  });

  for (const literal of LITERALS.filter((text) => text.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(text))) {
    const address = literal.replace(/[[\]]/g, "");
    it(`refuses a name that resolves to ${address}`, async () => {
      const looking = createEgress({ resolve: resolvesTo(address) });
      await assertRefused(looking.postJson(request("https://hook.example/")), "refused-address", /hook\.example is/);
    });
  }

  it("refuses a name of which only one answer is private", async () => {
    const looking = createEgress({ resolve: resolvesTo("1.1.1.1", "10.0.0.1") });
    await assertRefused(looking.postJson(request("https://hook.example/")), "refused-address", /10\.0\.0\.1/);
  });

  it("refuses an answer of the resolver that is not a canonical address", async () => {
    for (const text of ["127.1", "0x7f.0.0.1", "2130706433", "", "localhost"]) {
      const looking = createEgress({ resolve: resolvesTo(text) });
      await assertRefused(looking.postJson(request("https://hook.example/")), "refused-address");
    }
  });

  it("says that a name has no address", async () => {
    const looking = createEgress({ resolve: resolvesTo() });
    await assertRefused(looking.postJson(request("https://hook.example/")), "unreachable");
  });

  it("opens exactly the networks that the settings name", () => {
    const opened = createEgress({ allowPrivateNetworks: ["10.20.0.0/16", "fd00::/8"] });
    opened.checkUrl("https://10.20.3.4/");
    opened.checkUrl("https://[fd12::1]/");
    opened.checkUrl("https://[::ffff:10.20.3.4]/");
    for (const host of ["10.21.0.1", "127.0.0.1", "[fc00::1]"]) {
      assert.throws(() => opened.checkUrl(`https://${host}/`), EgressError);
    }
  });

  it("refuses a setting that is not a network, naming it", () => {
    assert.throws(
      () => createEgress({ allowPrivateNetworks: ["10.0.0.0/40"] }),
      (error) => error instanceof Fault && error.code === "request_invalid" && error.message.includes("10.0.0.0/40"),
    );
  });
});

describe("egress: URLs", () => {
  const egress = createEgress();
  const cases: readonly (readonly [string, RegExp])[] = [
    ["http://hook.example/", /not HTTPS/],
    ["http://127.0.0.1:8080/", /not HTTPS/],
    ["ftp://hook.example/", /not HTTPS/],
    ["file:///etc/passwd", /not HTTPS/],
    ["https://user@hook.example/", /user name/],
    ["https://user:word@hook.example/", /user name/],
    ["https://hook.example:25/", /Port 25/],
    ["https://hook.example:22/", /Port 22/],
    ["https://", /not a URL/],
    ["hook.example", /not a URL/],
    [`https://hook.example/${"a".repeat(2048)}`, /at most 2048/],
  ];
  for (const [url, pattern] of cases) {
    it(`refuses ${url.slice(0, 40)}`, () => assert.throws(() => egress.checkUrl(url), pattern));
  }

  it("lets plain HTTP through to this machine alone, and only where development asks for it", async () => {
    const developer = createEgress({ allowHttpLoopback: true, resolve: resolvesTo("93.184.216.34") });
    developer.checkUrl("http://127.0.0.1:8080/");
    assert.throws(() => developer.checkUrl("http://10.0.0.1:8080/"), /not HTTPS/);
    assert.throws(() => developer.checkUrl("https://127.0.0.1:8443/"), /not a public address/);
    await assertRefused(developer.postJson(request("http://localhost:8080/")), "refused-address", /this machine only/);
  });
});

describe("egress: answers", () => {
  const clock = new ManualClock();
  const egress = createEgress({ allowHttpLoopback: true, clock });
  let server: HttpServer;
  let base = "";
  let onSlow = () => {};
  const seen: { headers: Record<string, unknown>; body: string }[] = [];
  const routes: Record<string, RequestListener> = {
    "/echo": (incoming, outgoing) => {
      let body = "";
      incoming.on("data", (chunk) => {
        body += chunk;
      });
      incoming.on("end", () => {
        seen.push({ headers: incoming.headers, body });
        outgoing.setHeader("content-type", "application/json").setHeader("x-list", ["a", "b"]).end('{"ok":true}');
      });
    },
    "/redirect": (_incoming, outgoing) => outgoing.writeHead(302, { location: "/echo" }).end(),
    "/big": (_incoming, outgoing) => outgoing.end(Buffer.alloc(70_000)),
    "/big-unannounced": (_incoming, outgoing) => {
      for (let i = 0; i < 10; i++) outgoing.write(Buffer.alloc(16_384));
      outgoing.end();
    },
    "/big-headers": (_incoming, outgoing) => outgoing.writeHead(200, { "x-big": "h".repeat(20_000) }).end("{}"),
    "/slow-drip": (_incoming, outgoing) => {
      outgoing.writeHead(200);
      outgoing.write("{");
      onSlow();
    },
    "/silent": () => onSlow(),
    "/teapot": (_incoming, outgoing) => outgoing.writeHead(418).end("short and stout"),
    "/cut": (incoming) => incoming.socket.destroy(),
  };

  before(async () => {
    server = createHttpServer((incoming, outgoing) => routes[incoming.url ?? ""]?.(incoming, outgoing));
    base = `http://127.0.0.1:${await listening(server)}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it("posts JSON and returns status, body and headers", async () => {
    const answer = await egress.postJson(request(`${base}/echo`, { body: '{"a":1}', headers: { "x-mine": "1" } }));
    assert.equal(answer.status, 200);
    assert.equal(Buffer.from(answer.body).toString(), '{"ok":true}');
    assert.equal(answer.headers["x-list"], "a, b");
    const arrived = seen.at(-1);
    assert.equal(arrived?.body, '{"a":1}');
    assert.equal(arrived?.headers["content-type"], "application/json");
    assert.equal(arrived?.headers["x-mine"], "1");
  });

  it("makes a new connection for each call, so that each is checked", async () => {
    let connections = 0;
    const count = () => connections++;
    server.on("connection", count);
    await egress.postJson(request(`${base}/echo`));
    await egress.postJson(request(`${base}/echo`));
    server.off("connection", count);
    assert.equal(connections, 2);
  });

  it("follows no redirect", () => assertRefused(egress.postJson(request(`${base}/redirect`)), "redirect"));
  it("refuses an answer that announces too much", () =>
    assertRefused(egress.postJson(request(`${base}/big`)), "too-large"));
  it("stops reading an answer that grows without having announced it", () =>
    assertRefused(egress.postJson(request(`${base}/big-unannounced`)), "too-large", /more than 65536 bytes/));
  it("refuses too many headers", () => assertRefused(egress.postJson(request(`${base}/big-headers`)), "too-large"));
  it("says that the connection was cut", () => assertRefused(egress.postJson(request(`${base}/cut`)), "unreachable"));
  it("refuses a header that would split the request", () =>
    assertRefused(egress.postJson(request(`${base}/echo`, { headers: { "x-a": "b\r\nx-c: d" } })), "unreachable"));

  it("leaves statuses to the caller, who may want success only", async () => {
    const answer = await egress.postJson(request(`${base}/teapot`));
    assert.equal(answer.status, 418);
    assert.throws(
      () => requireSuccess(answer),
      (error) => error instanceof EgressError && error.kind === "status",
    );
  });

  for (const path of ["/slow-drip", "/silent"]) {
    it(`ends ${path} at the total deadline`, async () => {
      onSlow = () => clock.advance(5_000);
      await assertRefused(egress.postJson(request(base + path)), "timeout", /5000 ms/);
    });
  }

  it("ends a lookup that never answers at the same deadline", async () => {
    const hanging = createEgress({ clock, resolve: () => queueMicrotask(() => clock.advance(5_000)) });
    await assertRefused(hanging.postJson(request("https://hook.example/")), "timeout");
  });

  it("ends a TLS handshake that never comes at the same deadline", async () => {
    const mute = createTcpServer((socket) => socket.once("data", () => clock.advance(5_000)));
    const port = await listening(mute);
    const local = createEgress({ clock, allowPrivateNetworks: ["127.0.0.0/8"] });
    await assertRefused(local.postJson(request(`https://127.0.0.1:${port}/`)), "timeout");
    mute.close();
  });

  it("ends when its caller gives up, before or during the call", async () => {
    const controller = new AbortController();
    onSlow = () => controller.abort();
    await assertRefused(egress.postJson(request(`${base}/silent`, { signal: controller.signal })), "timeout");
    await assertRefused(egress.postJson(request(`${base}/echo`, { signal: controller.signal })), "timeout");
  });

  it("says that nobody listens", async () => {
    const gone = createTcpServer();
    const port = await listening(gone);
    await new Promise((resolve) => gone.close(resolve));
    await assertRefused(egress.postJson(request(`http://127.0.0.1:${port}/`)), "unreachable", /ECONNREFUSED/);
  });
});

describe("egress: TLS", () => {
  let server: ReturnType<typeof createHttpsServer>;
  let ca = "";
  let port = 0;
  const local = { allowPrivateNetworks: ["127.0.0.0/8"] };

  before(async () => {
    const made = await selfSigned("hook.example");
    ca = made.cert;
    server = createHttpsServer({ key: made.key, cert: made.cert }, (_incoming, outgoing) => outgoing.end("{}"));
    port = await listening(server);
  });
  after(() => server.close());

  it("calls a named server whose certificate its CA vouches for", async () => {
    const egress = createEgress({ ...local, ca, resolve: resolvesTo("127.0.0.1") });
    assert.equal((await egress.postJson(request(`https://hook.example:${port}/`))).status, 200);
  });

  it("calls a literal address that the certificate names", async () => {
    const egress = createEgress({ ...local, ca });
    assert.equal((await egress.postJson(request(`https://127.0.0.1:${port}/`))).status, 200);
  });

  it("refuses a certificate that nobody vouches for, or that is another's", async () => {
    const resolve = resolvesTo("127.0.0.1");
    const url = (host: string) => request(`https://${host}:${port}/`);
    await assertRefused(createEgress({ ...local, resolve }).postJson(url("hook.example")), "tls");
    await assertRefused(createEgress({ ...local, ca, resolve }).postJson(url("other.example")), "tls", /altnames/);
  });

  it("looks a name up once for each call, so that an answer that changes later opens nothing", async () => {
    // DNS rebinding: the first answer is allowed, later ones are not. No second lookup lies between check and connection,
    // and a later call is judged by its own answer.
    const answers = ["127.0.0.1", "127.0.0.2", "10.0.0.1"];
    const asked: string[] = [];
    const egress = createEgress({
      allowPrivateNetworks: ["127.0.0.1/32"],
      ca,
      resolve: (hostname, callback) => {
        asked.push(hostname);
        callback(null, [{ address: answers[asked.length - 1] ?? "", family: 4 }]);
      },
    });
    assert.equal((await egress.postJson(request(`https://hook.example:${port}/`))).status, 200);
    assert.equal(asked.length, 1);
    await assertRefused(egress.postJson(request(`https://hook.example:${port}/`)), "refused-address", /127\.0\.0\.2/);
    await assertRefused(egress.postJson(request(`https://hook.example:${port}/`)), "refused-address", /10\.0\.0\.1/);
    assert.equal(asked.length, 3);
  });
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

async function selfSigned(name: string): Promise<{ cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: name },
        { type: "ip", value: "127.0.0.1" },
      ]),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    cert: certificate.toString("pem"),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { ManualClock } from "../kit/clock.ts";
import { createEgress, type Egress, type EgressAnswer, type PostRequest } from "../kit/egress.ts";
import { EgressError } from "../kit/egress-error.ts";
import { Fault } from "../kit/fault.ts";
import { systemRandom } from "../kit/random.ts";
import type { FaultCode } from "../vocabulary/faults.ts";
import type { HookRequest } from "./ports.ts";
import { createWebhook } from "./webhook.ts";
import { verifyWebhookSignature } from "./webhook-signature.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const REQUEST: HookRequest = {
  claimCertificateId: "c1",
  certificateId: "d1",
  certificatePem: "PEM",
  templateArn: "arn",
  clientId: "client-1",
  parameters: { SerialNumber: "é1" },
};

async function denies(work: Promise<unknown>, code: FaultCode, pattern: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    return true;
  });
}

describe("webhook over the network", () => {
  const clock = new ManualClock();
  const egress = createEgress({ allowHttpLoopback: true, clock });
  let server: Server;
  let url = "";
  let respond: (outgoing: ServerResponse) => void = () => {};
  const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
  const hook = () => createWebhook({ egress, clock, random: systemRandom() }, { url, secret: SECRET });

  before(async () => {
    server = createServer((incoming, outgoing) => {
      let body = "";
      incoming.setEncoding("utf8").on("data", (chunk) => {
        body += chunk;
      });
      incoming.on("end", () => {
        calls.push({ headers: incoming.headers, body });
        respond(outgoing);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    calls.length = 0;
  });

  it("sends AWS's payload, signed so that the receiver can tell who asked and when", async () => {
    respond = (outgoing) => outgoing.end('{"allowProvisioning":true,"parameterOverrides":{"Site":"hall 3"}}');
    const request = { ...REQUEST, certificateOwnershipToken: "canary" };
    assert.deepEqual(await hook().decide(request), { parameterOverrides: { Site: "hall 3" } });
    const call = calls[0];
    assert.deepEqual(JSON.parse(call?.body ?? ""), REQUEST);
    const signed = {
      secret: SECRET,
      header: String(call?.headers["fleetmint-signature"]),
      body: call?.body ?? "",
      nowSeconds: clock.now() / 1000,
    };
    assert.ok(verifyWebhookSignature(signed));
    assert.match(String(call?.headers["fleetmint-hook-id"]), /^ask-[0-9a-z]+$/);
    assert.ok(!JSON.stringify(call).includes(SECRET));
  });

  const answers: readonly (readonly [string, (outgoing: ServerResponse) => void, FaultCode, RegExp])[] = [
    ["no", (o) => o.end('{"allowProvisioning":false}'), "hook_denied", /refused this device/],
    ["a reason", (o) => o.end('{"allowProvisioning":false,"reason":"stolen"}'), "hook_denied", /: stolen$/],
    ["an error", (o) => o.writeHead(500).end('{"allowProvisioning":true}'), "hook_failed", /HTTP status 500/],
    ["a redirect", (o) => o.writeHead(307, { location: "/hook" }).end(), "hook_failed", /redirect/],
    ["too much", (o) => o.end("x".repeat(70_000)), "hook_answer_invalid", /more than 65536 bytes/],
    ["no JSON", (o) => o.end("yes"), "hook_answer_invalid", /not JSON/],
    ["broken UTF-8", (o) => o.end(Buffer.from([0x22, 0xff, 0x22])), "hook_answer_invalid", /not JSON in UTF-8/],
    ["an empty answer", (o) => o.end(), "hook_answer_invalid", /not JSON/],
    ["neither yes nor no", (o) => o.end("{}"), "hook_answer_invalid", /no allowProvisioning/],
    ["nothing in time", () => clock.advance(5_000), "hook_timeout", /within 5000 ms/],
  ];
  for (const [name, answer, code, pattern] of answers) {
    it(`${name} denies with ${code}, after one request`, async () => {
      respond = answer;
      await denies(hook().decide(REQUEST), code, pattern);
      assert.equal(calls.length, 1);
    });
  }

  it("ends what is under way when it closes, and asks nobody afterwards", async () => {
    const closing = hook();
    respond = () => void closing.close();
    await denies(closing.decide(REQUEST), "hook_failed", /stopping/);
    await denies(closing.decide(REQUEST), "hook_failed", /stopping/);
    assert.equal(calls.length, 1);
  });

  it("says that nobody listens", async () => {
    const gone = createTcpServer();
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const lost = createWebhook(
      { egress, clock, random: systemRandom() },
      { url: `http://127.0.0.1:${port}/`, secret: SECRET },
    );
    await denies(lost.decide(REQUEST), "hook_failed", /could not be reached: ECONNREFUSED/);
  });
});

describe("webhook's patience", () => {
  /** An egress that does what the next step says. */
  function scripted(...steps: (() => EgressAnswer)[]) {
    const asked: PostRequest[] = [];
    const egress: Egress = {
      checkUrl: (url) => new URL(url),
      postJson: async (request) => {
        asked.push(request);
        const step = steps.shift();
        assert.ok(step, "asked more often than expected");
        return step();
      },
    };
    const clock = new ManualClock();
    const hook = createWebhook(
      { egress, clock, random: systemRandom() },
      { url: "https://hook.example/", secret: SECRET },
    );
    return { hook, asked, clock, steps };
  }
  const yes = (): EgressAnswer => ({ status: 200, headers: {}, body: Buffer.from('{"allowProvisioning":true}') });
  const fails = (kind: EgressError["kind"]) => () => {
    throw new EgressError(kind, `it is ${kind}`);
  };

  it("tries once more where no connection came about, under the same id and within the same deadline", async () => {
    const { hook, asked, clock, steps } = scripted(() => {
      clock.advance(2_000);
      return fails("unreachable")();
    }, yes);
    await hook.decide(REQUEST);
    assert.equal(steps.length, 0);
    assert.deepEqual(
      asked.map((request) => request.timeoutMs),
      [5_000, 3_000],
    );
    assert.equal(asked[0]?.headers["Fleetmint-Hook-Id"], asked[1]?.headers["Fleetmint-Hook-Id"]);
    assert.notEqual(asked[0]?.headers["Fleetmint-Signature"], asked[1]?.headers["Fleetmint-Signature"]);
  });

  it("does not try again what was sent, or when no time is left", async () => {
    for (const kind of ["timeout", "tls", "redirect", "refused-address"] as const) {
      const { hook, asked } = scripted(fails(kind));
      await assert.rejects(hook.decide(REQUEST), Fault);
      assert.equal(asked.length, 1, kind);
    }
    const late = scripted(() => {
      late.clock.advance(5_000);
      return fails("unreachable")();
    });
    await denies(late.hook.decide(REQUEST), "hook_failed", /unreachable/);
  });

  it("leaves a webhook alone after five failures in a row, then lets one through", async () => {
    const { hook, asked, clock, steps } = scripted(...Array.from({ length: 5 }, () => fails("timeout")));
    for (let i = 0; i < 5; i++) await denies(hook.decide(REQUEST), "hook_timeout", /5000 ms/);
    await denies(hook.decide(REQUEST), "hook_failed", /was not asked: it failed 5 times in a row.*10 s more; last: /);
    assert.equal(asked.length, 5);
    clock.advance(10_000);
    steps.push(fails("timeout"));
    await denies(hook.decide(REQUEST), "hook_timeout", /5000 ms/);
    await denies(hook.decide(REQUEST), "hook_failed", /was not asked/);
    clock.advance(10_000);
    steps.push(yes, yes);
    await hook.decide(REQUEST);
    await hook.decide(REQUEST);
  });

  it("does not count denials and nonsense as failures", async () => {
    const nonsense = (): EgressAnswer => ({ status: 200, headers: {}, body: Buffer.from("?") });
    const { hook } = scripted(...Array.from({ length: 8 }, () => nonsense), yes);
    for (let i = 0; i < 8; i++) await denies(hook.decide(REQUEST), "hook_answer_invalid", /not JSON/);
    await hook.decide(REQUEST);
  });

  it("has at most 64 requests under way", async () => {
    let release: (answer: EgressAnswer) => void = () => {};
    const answer = new Promise<EgressAnswer>((resolve) => {
      release = resolve;
    });
    const egress: Egress = { checkUrl: (url) => new URL(url), postJson: () => answer };
    const ports = { egress, clock: new ManualClock(), random: systemRandom() };
    const hook = createWebhook(ports, { url: "https://hook.example/", secret: SECRET });
    const all = Array.from({ length: 64 }, () => hook.decide(REQUEST));
    await denies(hook.decide(REQUEST), "hook_failed", /64 requests to it are under way/);
    release(yes());
    await Promise.all(all);
    await hook.decide(REQUEST);
  });
});

// What the demo leaves behind, in the hands of programs that know nothing of us: OpenSSL, GnuTLS, mosquitto's clients.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Finished, fleetmintJson, missing, ROOT, type RunOptions, run } from "./support/commands.ts";
import { temporaryFolder } from "./support/fleet.ts";
import { type Serving, startServing } from "./support/serving.ts";

const folder = temporaryFolder();
const claim = join(folder.path, "claim");
const data = join(folder.path, "server");
let demo: Finished;
let server: Serving;

before(async () => {
  const story = ["tools/launch.js", "tools/demo/main.ts", "--once", "--keep", folder.path, "-o", "json"];
  demo = await run([process.execPath, ...story]);
  if (demo.code === 0) server = await startServing(data);
});
after(async () => {
  await server?.stop();
  folder[Symbol.dispose]();
});

interface DemoDevice {
  readonly thingName: string | null;
  readonly certificateId: string | null;
}

const devices = ["CAM-0001", "CAM-0002"];
const thing = (serial: string): string => `camera-${serial}`;
const topic = (serial: string, last = "state"): string => `devices/${thing(serial)}/${last}`;
const identity = (serial: string): string => join(folder.path, "devices", serial);

test("the demo's JSON has exactly the shape that scripts rely on", () => {
  assert.equal(demo.code, 0, demo.stderr);
  const answer = JSON.parse(demo.stdout) as { devices: DemoDevice[] };
  const certificateIds = answer.devices.map((device) => device.certificateId);
  for (const id of certificateIds.slice(0, 2)) assert.match(id ?? "", /^[0-9a-f]{64}$/);
  const row = { flow: "claim", client: "fleetmint-agent", outcome: "issued", reason: null };
  const nothing = { thingName: null, certificateId: null };
  assert.deepEqual(answer, {
    devices: [
      { ...row, thingName: "camera-CAM-0001", certificateId: certificateIds[0] },
      {
        ...row,
        client: "AWS IoT Device SDK v2 (MQTT 5)",
        thingName: "camera-CAM-0002",
        certificateId: certificateIds[1],
      },
      { ...row, ...nothing, outcome: "denied", reason: "hook_denied" },
    ],
  });
  for (const device of answer.devices) {
    assert.deepEqual(Object.keys(device), ["flow", "client", "thingName", "certificateId", "outcome", "reason"]);
  }
});

test("openssl verify accepts each identity, and finds none on the refused device", {
  skip: missing("openssl"),
}, async () => {
  const ca = join(data, "ca.pem");
  const certificates = readdirSync(join(folder.path, "devices"))
    .map((serial) => join(identity(serial), "device.cert.pem"))
    .filter((file) => existsSync(file));
  assert.deepEqual(
    certificates,
    devices.map((serial) => join(identity(serial), "device.cert.pem")),
  );
  const strict = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", ca];
  const verified = await run([...strict, ...certificates]);
  assert.equal(verified.code, 0, verified.stderr);
  const empty = await run(["openssl", "verify", "-x509_strict", "-no-CAfile", "-no-CApath", ...certificates]);
  assert.notEqual(empty.code, 0, "a verification that accepts everything proves nothing");
});

const VERSIONS = ["mqttv311", "mqttv5"] as const;

/** One of mosquitto's clients as the device `serial`, or with the claim. */
function mosquitto(program: string, who: string, args: readonly string[]): Promise<Finished> {
  const isClaim = who === "claim";
  const credentials = isClaim
    ? ["--cert", join(claim, "claim.cert.pem"), "--key", join(claim, "claim.key.pem"), "-i", "CAM-0009"]
    : ["--cert", join(identity(who), "device.cert.pem"), "--key", join(identity(who), "device.key.pem")];
  const name = isClaim || args.includes("-i") ? [] : ["-i", thing(who)];
  const server = ["-h", "localhost", "-p", String(port()), "--cafile", join(claim, "ca.pem")];
  return run([program, ...server, ...credentials, ...name, ...args]);
}

function port(): number {
  assert.ok(server, `the demo's server does not run:\n${demo.stderr}`);
  return server.mqttPort;
}

/** What the device receives on its topic when it sends itself "hello": whatever was retained there comes first. */
async function firstMessageOn(serial: string, version: string, last: string): Promise<string> {
  const own = topic(serial, last);
  const answer = await mosquitto("mosquitto_rr", serial, ["-V", version, "-t", own, "-e", own, "-m", "hello"]);
  assert.equal(answer.code, 0, answer.stderr);
  return answer.stdout.trim();
}

for (const version of VERSIONS) {
  test(`mosquitto's clients use each identity within its policy and not beyond (${version})`, {
    skip: missing("mosquitto_pub", "mosquitto_rr"),
  }, async () => {
    for (const [index, serial] of devices.entries()) {
      const other = devices[1 - index]!;
      const publish = (...args: string[]): Promise<Finished> =>
        mosquitto("mosquitto_pub", serial, ["-V", version, "-q", "1", "-m", "x", ...args]);
      const own = await publish("-t", topic(serial));
      assert.equal(own.code, 0, own.stderr);
      assert.equal(await firstMessageOn(serial, version, "echo"), "hello");
      assert.notEqual((await publish("-t", topic(other))).code, 0, "another device's topic");
      assert.notEqual((await publish("-t", topic(serial), "-i", thing(other))).code, 0, "another device's name");
      assert.notEqual((await publish("-t", topic(serial, "kept"), "-r")).code, 0, "retain without iot:RetainPublish");
      assert.equal(await firstMessageOn(serial, version, "kept"), "hello", "nothing was retained");
    }
  });

  test(`the claim can do nothing on a data topic (${version})`, { skip: missing("mosquitto_pub") }, async () => {
    for (const to of [topic("CAM-0001"), topic("CAM-0009"), "anything"]) {
      const published = await mosquitto("mosquitto_pub", "claim", ["-V", version, "-q", "1", "-t", to, "-m", "x"]);
      assert.notEqual(published.code, 0, to);
    }
    const subscribed = await mosquitto("mosquitto_sub", "claim", ["-V", version, "-E", "-q", "1", "-t", "#"]);
    assert.match(subscribed.stderr + subscribed.stdout, /denied|lost|not authori[sz]ed/i);
  });
}

test("a message is retained for mosquitto_sub once the policy allows it", {
  skip: missing("mosquitto_pub", "mosquitto_sub"),
}, async () => {
  const resource = "arn:aws:iot:*:*:topic/devices/${iot:Connection.Thing.ThingName}/*";
  const demoPolicy = JSON.parse(readFileSync(`${ROOT}tools/demo/camera.policy.json`, "utf8")) as {
    Statement: { Action: string[] }[];
  };
  demoPolicy.Statement.push({ Effect: "Allow", Action: ["iot:RetainPublish"], Resource: resource } as never);
  const file = join(folder.path, "retaining.policy.json");
  writeFileSync(file, JSON.stringify(demoPolicy));
  await fleetmintJson(["policy", "apply", "camera", "--file", file, "--data", data]);
  const to = topic("CAM-0001", "kept");
  const kept = await mosquitto("mosquitto_pub", "CAM-0001", ["-q", "1", "-r", "-t", to, "-m", "kept"]);
  assert.equal(kept.code, 0, kept.stderr);
  const seen = await mosquitto("mosquitto_sub", "CAM-0001", ["-C", "1", "-F", "%r %p", "-t", to]);
  assert.equal(seen.stdout.trim(), "1 kept");
});

/** OpenSSL's own client as a device. */
function sClient(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const files = [
    "-cert",
    join(identity("CAM-0001"), "device.cert.pem"),
    "-key",
    join(identity("CAM-0001"), "device.key.pem"),
  ];
  const target = ["-connect", `localhost:${port()}`, "-CAfile", join(claim, "ca.pem"), "-verify_return_error"];
  return run(["openssl", "s_client", ...target, "-verify_hostname", "localhost", ...files, ...args], options);
}

test("OpenSSL's client agrees on TLS 1.2 and 1.3 with each protocol name, and on nothing else", {
  skip: missing("openssl"),
}, async () => {
  for (const [flag, name] of [
    ["-tls1_2", "TLSv1.2"],
    ["-tls1_3", "TLSv1.3"],
  ] as const) {
    for (const protocol of ["x-amzn-mqtt-ca", "mqtt"]) {
      const { stdout, stderr, code } = await sClient([flag, "-alpn", protocol]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`New, ${name}, Cipher is `));
      assert.match(stdout, new RegExp(`ALPN protocol: ${protocol}\n`));
    }
    const none = await sClient([flag]);
    assert.equal(none.code, 0, none.stderr);
    assert.match((await sClient([flag, "-alpn", "http/1.1"])).stderr, /alert no application protocol|alert number 120/);
  }
  const weakest = ["-cipher", "ALL:@SECLEVEL=0"];
  assert.match((await sClient(["-tls1_1", ...weakest])).stderr, /alert protocol version/);
  assert.match((await sClient(["-tls1", ...weakest])).stderr, /alert protocol version/);
});

test("no session ticket arrives, and no session is ever resumed", { skip: missing("openssl") }, async () => {
  const saved = join(folder.path, "session.pem");
  for (const flag of ["-tls1_2", "-tls1_3"]) {
    // Waiting for the server's CONNACK would need MQTT; a bare PINGREQ makes it answer by closing, after any ticket.
    const { stdout } = await sClient([flag, "-msg", "-ign_eof", "-sess_out", saved], { input: "\u00c0\u0000" });
    assert.equal(stdout.match(/New ?Session ?Ticket/gi)?.length ?? 0, 0, flag);
  }
  const again = await sClient(["-tls1_2", "-sess_in", saved]);
  assert.match(again.stdout, /^New, TLSv1\.2/m);
  assert.doesNotMatch(again.stdout, /^Reused/m);
  const five = await sClient(["-tls1_2", "-reconnect"]);
  assert.equal(five.stdout.match(/^New, TLSv1\.2/gm)?.length, 6);
  assert.doesNotMatch(five.stdout, /^Reused/m);
});

test("renegotiation is refused", { skip: missing("openssl") }, async () => {
  const { stdout, stderr } = await sClient(["-tls1_2"], { input: "R\n", keepsInputOpen: true });
  assert.match(stdout + stderr, /RENEGOTIATING/);
  assert.match(stderr, /no renegotiation/);
});

test("GnuTLS's client agrees on TLS 1.2 and 1.3, resumes nothing, and may not renegotiate", {
  skip: missing("gnutls-cli"),
}, async () => {
  const files = (["cert", "key"] as const).flatMap((part) => [
    `--x509${part}file`,
    join(identity("CAM-0002"), `device.${part}.pem`),
  ]);
  const target = ["-p", String(port()), "localhost", "--x509cafile", join(claim, "ca.pem")];
  for (const version of ["1.2", "1.3"]) {
    for (const protocol of ["x-amzn-mqtt-ca", "mqtt"]) {
      const only = ["--priority", `NORMAL:-VERS-ALL:+VERS-TLS${version}`, "--alpn", protocol];
      const { code, stdout, stderr } = await run(["gnutls-cli", ...target, ...files, ...only, "--resume"]);
      assert.equal(code, 0, stderr + stdout);
      assert.match(stdout, /Status: The certificate is trusted/);
      assert.match(stdout, new RegExp(`Description: \\(TLS${version.replace(".", "\\.")}`));
      assert.doesNotMatch(stdout, /This is a resumed session/);
    }
  }
  const old = await run(["gnutls-cli", ...target, ...files, "--priority", "LEGACY:-VERS-ALL:+VERS-TLS1.1"]);
  assert.notEqual(old.code, 0);
  const foreign = await run(["gnutls-cli", ...target, ...files, "--alpn", "h2"]);
  assert.match(foreign.stdout + foreign.stderr, /No supported application protocol could be negotiated/i);
});

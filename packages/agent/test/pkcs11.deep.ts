// The agent's PKCS#11 key store against SoftHSM2, through OpenSC's pkcs11-tool and libp11's OpenSSL engine.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MqttLink } from "../src/connect/mqtt-link.ts";
import { endRetiredKey } from "../src/identity/progress.ts";
import { provision } from "../src/index.ts";
import { requestRenewal, switchToRenewed } from "../src/run/renew.ts";
import { realSystem } from "../src/system/system.ts";
import { TestCa } from "./test-ca.ts";
import { TestServer } from "./test-server.ts";
import { once, TestDevice, testSystem } from "./world.ts";

/** Every character that a URI, a shell or a configuration could trip over. */
const PIN = "a;b%&?/ 1";
const TOKEN = "fleet mint";
const MODULE = globSync("/usr/lib/{,*/}softhsm/libsofthsm2.so")[0];
const ENGINE = globSync("/usr/lib/*/engines-3/pkcs11.so")[0];
const skip = whyNot();
const folder = mkdtempSync(join(tmpdir(), "fleetmint-token-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const ca = await TestCa.create();

function whyNot(): string | false {
  if (spawnSync("softhsm2-util", ["--version"]).error || MODULE === undefined) return "softhsm2 is not installed";
  if (spawnSync("pkcs11-tool", ["--help"]).error) return "opensc (pkcs11-tool) is not installed";
  return ENGINE === undefined ? "libengine-pkcs11-openssl is not installed" : false;
}

function initToken(): void {
  mkdirSync(join(folder, "tokens"));
  writeFileSync(
    join(folder, "softhsm2.conf"),
    `directories.tokendir = ${join(folder, "tokens")}\nobjectstore.backend = file\n`,
  );
  process.env["SOFTHSM2_CONF"] = join(folder, "softhsm2.conf");
  const init = spawnSync("softhsm2-util", [
    "--init-token",
    "--free",
    "--label",
    TOKEN,
    "--so-pin",
    "12345678",
    "--pin",
    PIN,
  ]);
  assert.equal(init.status, 0, init.stderr?.toString());
  writeFileSync(join(folder, "pin"), `${PIN}\n`, { mode: 0o600 });
}

function objects(): string {
  const args = ["--module", MODULE!, "--token-label", TOKEN, "--login", "--pin", PIN, "--list-objects"];
  return spawnSync("pkcs11-tool", args).stdout.toString();
}

const keyStore = { kind: "pkcs11", module: MODULE, token: TOKEN, pinFile: join(folder, "pin") };

test("the key is made inside the token, cannot leave it, certifies, connects, and is renewed", { skip }, async () => {
  initToken();
  await using server = await TestServer.start({ ca });
  using device = new TestDevice(ca, server.claim(), server.port, { fleetmint: { keyStore } });
  const config = device.config(readFileSync(device.configPath, "utf8"));
  // Identifiers of keys come from the random source, and two keys must not have the same.
  const ports = device.ports(config, { ...testSystem, random: realSystem.random });

  const { identity } = await provision(ports, config, once);
  assert.equal(
    server.connects.at(-1)?.certificateId,
    identity.certificateId,
    "the token's key made this TLS handshake",
  );
  assert.match(objects(), /Private Key Object; EC[\s\S]*never extractable/);
  const bundle = readFileSync(ports.store.path, "utf8");
  assert.doesNotMatch(bundle, /PRIVATE KEY/);
  assert.equal(bundle.includes(PIN), false);

  const key = await ports.keys.open(identity.key);
  assert.doesNotMatch(key.describe(), /pin/);
  const named = { certificatePem: identity.certificatePem, key, clientId: "thing-A-1", name: "the device" };
  const link = await MqttLink.open(ports, named, config);
  await requestRenewal(ports, config, link);
  const renewed = await switchToRenewed(ports, config, new AbortController().signal);
  assert.equal(server.connects.at(-1)?.certificateId, renewed.identity.certificateId);
  assert.notEqual(renewed.identity.certificateId, identity.certificateId);
  assert.equal(objects().match(/Private Key Object/g)?.length, 2);
  await endRetiredKey(ports, ports.store.load());
  assert.equal(objects().match(/Private Key Object/g)?.length, 1, "the last identity's key is ended");
  await Promise.all([link.close(), renewed.link.close()]);
});

test("a wrong PIN, token or module is told with what to check", { skip }, async () => {
  await using server = await TestServer.start({ ca });
  writeFileSync(join(folder, "wrong-pin"), "0000", { mode: 0o600 });
  const wrong: [changes: object, message: RegExp][] = [
    [{ pinFile: join(folder, "wrong-pin") }, /CKR_PIN_INCORRECT/],
    [{ token: "no such token" }, /No slot with token named/],
    [{ module: "/nonexistent.so" }, /cannot open shared object/],
  ];
  for (const [changes, message] of wrong) {
    using device = new TestDevice(ca, server.claim(), server.port, {
      fleetmint: { keyStore: { ...keyStore, ...changes } },
    });
    const config = device.config(readFileSync(device.configPath, "utf8"));
    await assert.rejects(
      provision(device.ports(config, realSystem), config, once),
      (error: Error & { fix?: string }) => {
        assert.match(error.message, message);
        assert.match(error.fix ?? "", /keyStore/);
        return true;
      },
    );
    assert.equal(existsSync(device.claimKeyPath), true);
  }
});

test("a false server gets nothing from a device whose key is in a token", { skip }, async () => {
  await using server = await TestServer.start({ ca });
  const foreign = await TestCa.create();
  using device = new TestDevice(ca, server.claim(), server.port, { fleetmint: { keyStore } });
  const config = device.config(readFileSync(device.configPath, "utf8"));
  const ports = device.ports(config, realSystem);
  const { identity } = await provision(ports, config, once);
  const connects = server.connects.length;
  const named = {
    certificatePem: identity.certificatePem,
    key: await ports.keys.open(identity.key),
    clientId: "x",
    name: "x",
  };
  const target = { ...ports.target, rootCaPem: foreign.rootPem };
  await assert.rejects(MqttLink.open({ ...ports, target }, named, config), { reason: "server_not_trusted" });
  assert.equal(server.connects.length, connects);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { IdentityStore, provision } from "../src/index.ts";
import {
  assertRecoverable,
  assertSettled,
  type CrashPoint,
  ended,
  enumerate,
  killLeftovers,
  type ServerUnderTest,
  start,
  startDoomed,
  stopAgent,
  storeFolder,
  whyNoStrace,
} from "./crash-points.ts";
import { TestCa } from "./test-ca.ts";
import { TestServer } from "./test-server.ts";
import { once, TestDevice } from "./world.ts";

const skip = whyNoStrace();
const ca = await TestCa.create();
after(killLeftovers);

/** The server of these tests, in this process. */
function underTest(server: TestServer): ServerUnderTest {
  const provisioning = (serial: string) => ({
    enabled: true,
    "template-name": "camera",
    "template-parameters": { SerialNumber: serial },
  });
  const active = (serial: string) =>
    [...server.devices].filter(([, name]) => name === `thing-${serial}`).map(([id]) => id);
  const beats = () => server.heartbeats.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()));
  return {
    newDevice: (serial) =>
      new TestDevice(ca, server.claim(), server.port, { "fleet-provisioning": provisioning(serial) }),
    activeCertificates: active,
    heartbeat: (serial, certificateId) =>
      server.until(() =>
        beats().some(
          (beat) =>
            beat.thingName === `thing-${serial}` && (certificateId ?? beat.certificateId) === beat.certificateId,
        ),
      ),
  };
}

function serialOf({ systemCall, occurrence }: CrashPoint): string {
  return `${systemCall}-${occurrence}`;
}

test("provisioning: killed at each system call on its files, the next run ends with exactly one identity", {
  skip,
}, async (t) => {
  await using running = await TestServer.start({ ca });
  const server = underTest(running);
  const reached = await enumerate(async (point) => {
    const serial = serialOf(point);
    using device = server.newDevice(serial);
    const doomed = await ended(startDoomed(device, "provision", point));
    await assertRecoverable(device, server, serial);
    const next = await ended(start(device, "provision"));
    assert.equal(next.code, 0, `after ${serial}: ${next.output}`);
    await assertSettled(device, server, serial);
    return doomed.signal === "SIGKILL" ? "killed" : "survived";
  });
  t.diagnostic(`${reached.length} crash points`);
  assert.ok(reached.length >= 40, `only ${reached.length} crash points were reached`);
});

test("renewal: killed at each system call on its files, the next run ends with exactly one identity", {
  skip,
}, async (t) => {
  // Due at once: the identity's age is counted from its back-dated notBefore, of which a minute is less than a third.
  await using running = await TestServer.start({ ca, deviceValidForSeconds: 60 });
  const server = underTest(running);
  const reached = await enumerate(async (point) => {
    const serial = `renew-${serialOf(point)}`;
    using device = server.newDevice(serial);
    const before = await provisionedLongAgo(device);
    const doomed = startDoomed(device, "run", point);
    const end = ended(doomed);
    const renewed = server
      .heartbeat(serial, undefined)
      .then(() => running.until(() => renewedId(running, serial, before) !== undefined));
    await Promise.race([end, renewed.then(() => server.heartbeat(serial, renewedId(running, serial, before)))]);
    const survived = doomed.exitCode === null && doomed.signalCode === null;
    if (survived) stopAgent(device);
    await end;
    await assertRecoverable(device, server, serial);
    await runUntilRenewed(device, server, running, serial, before);
    const after = await assertSettled(device, server, serial);
    assert.notEqual(after, before);
    return survived ? "survived" : "killed";
  });
  t.diagnostic(`${reached.length} crash points`);
  assert.ok(reached.length >= 30, `only ${reached.length} crash points were reached`);
});

/** The thing's certificate, if it is another than before and the only one. */
function renewedId(server: TestServer, serial: string, before: string): string | undefined {
  const ids = [...server.devices].filter(([, name]) => name === `thing-${serial}`).map(([id]) => id);
  return ids.length === 1 && ids[0] !== before ? ids[0] : undefined;
}

async function provisionedLongAgo(device: TestDevice): Promise<string> {
  const config = device.config(readFileSync(device.configPath, "utf8"));
  await provision(device.ports(config), config, once);
  const store = new IdentityStore(storeFolder(device));
  const state = store.load();
  store.save({ ...state, current: { ...state.current!, issuedAtMs: 0 } });
  return state.current!.certificateId;
}

async function runUntilRenewed(
  device: TestDevice,
  server: ServerUnderTest,
  running: TestServer,
  serial: string,
  before: string,
): Promise<void> {
  const child = start(device, "run");
  const end = ended(child);
  const beats = running.heartbeats.length;
  const beaten = (): boolean => {
    const id = renewedId(running, serial, before);
    const since = running.heartbeats.slice(beats).map(({ payload }) => JSON.parse(Buffer.from(payload).toString()));
    return id !== undefined && since.some(({ certificateId }) => certificateId === id);
  };
  const early = end.then(({ output }) => assert.fail(`the agent ended: ${output}`));
  early.catch(() => {});
  await Promise.race([running.until(beaten), early]);
  child.kill("SIGTERM");
  assert.equal((await end).code, 0);
  await server.heartbeat(serial);
}

// Whoever loses the right to be connected is disconnected, and does not come back: by new connection or resumed TLS session.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import {
  applySimpleTemplate,
  ConnectRefused,
  type Credentials,
  createClaim,
  provision,
  SimulatedDevice,
  startWorld,
  type World,
} from "../src/index.ts";

describe("a live connection ends, and a new one is refused, with the reason", () => {
  let world: World;

  before(async () => {
    world = await startWorld();
    await applySimpleTemplate(world);
  });
  after(() => world.close());

  const provisioned = async (serial: string) => {
    const claim = await createClaim(world);
    const identity = await provision(world.target, claim, {
      clientId: serial,
      template: "simple",
      parameters: { SerialNumber: serial },
    });
    return { claim, identity, thingName: identity.thingName! };
  };

  const refusedWith = async (identity: Credentials, clientId: string, reason: string): Promise<void> => {
    await assert.rejects(SimulatedDevice.connect(world.target, identity, { clientId }), (error: unknown) => {
      assert.ok(error instanceof ConnectRefused, String(error));
      assert.match(error.connack.reasonString ?? "", new RegExp(reason));
      return true;
    });
    await resumedIsRefused(identity);
  };

  /** Offers the session of an earlier connection; the server must ask for the certificate again. */
  const resumedIsRefused = async (identity: Credentials): Promise<void> => {
    const options = {
      host: world.target.host,
      port: world.target.port,
      ca: world.target.caPem,
      cert: identity.certificatePem,
      key: identity.privateKeyPem,
    } as const;
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const first = connectTls({ ...options, maxVersion });
      await new Promise((resolve, reject) => {
        first.once("secureConnect", resolve);
        first.once("error", reject);
      });
      const session = first.getSession();
      first.destroy();
      const second = connectTls({ ...options, maxVersion, ...(session === undefined ? {} : { session }) });
      await new Promise((resolve, reject) => {
        second.once("secureConnect", resolve);
        second.once("error", reject);
      });
      assert.equal(second.isSessionReused(), false, `${maxVersion} resumed a session`);
      second.destroy();
    }
  };

  test("a revoked certificate", async () => {
    const { identity, thingName } = await provisioned("revoked");
    await using device = await SimulatedDevice.connect(world.target, identity, { clientId: thingName });
    await world.admin.revokeCertificate({ certificateId: identity.certificateId });
    assert.match(JSON.stringify(await device.client.closed), /certificate_revoked/);
    await refusedWith(identity, thingName, "certificate_revoked");
    const events = (await world.admin.listEvents({})).items;
    assert.ok(
      events.some(
        ({ reason, certificateId }) => reason === "certificate_revoked" && certificateId === identity.certificateId,
      ),
    );
  });

  test("a disabled claim", async () => {
    const claim = await createClaim(world);
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId: "factory" });
    await world.admin.disableClaim({ claimId: claim.claimId });
    assert.match(JSON.stringify(await device.client.closed), /claim_disabled/);
    await refusedWith(claim, "factory", "claim_disabled");
    const { items } = await world.admin.listAttempts({ claimId: claim.claimId });
    assert.ok(items.some(({ reason }) => reason === "claim_disabled"));
  });

  test("a certificate that expires while its device is connected", async () => {
    const { identity, thingName } = await provisioned("expired");
    await using device = await SimulatedDevice.connect(world.target, identity, { clientId: thingName, keepAlive: 0 });
    world.clock.jump(366 * 24 * 3600_000);
    world.clock.advance(1000);
    assert.match(JSON.stringify(await device.client.closed), /certificate_expired/);
    await refusedWith(identity, thingName, "certificate_expired");
    world.clock.jump(-366 * 24 * 3600_000);
  });

  test("a claim of five minutes, by new connection and open connection", async () => {
    const claim = await createClaim(world, { validForSeconds: 300 });
    world.clock.advance(299_000);
    await using device = await SimulatedDevice.connect(world.target, claim, { clientId: "brief", keepAlive: 0 });
    world.clock.advance(1000);
    assert.match(JSON.stringify(await device.client.closed), /certificate_expired|claim_expired/);
    await refusedWith(claim, "brief", "certificate_expired|claim_expired");
  });

  test("a quarantined claim: its devices stay connected and can say nothing, until it is undone", async () => {
    const { claim, identity, thingName } = await provisioned("quarantined");
    await world.admin.quarantineClaim({ claimId: claim.claimId, quarantined: true });
    await using device = await SimulatedDevice.connect(world.target, identity, { clientId: thingName });
    await assert.rejects(device.client.publish({ topic: `devices/${thingName}/x`, payload: "", qos: 1 }));
    await world.admin.quarantineClaim({ claimId: claim.claimId, quarantined: false });
    await using again = await SimulatedDevice.connect(world.target, identity, { clientId: thingName });
    const { reasonCode } = await again.client.publish({ topic: `devices/${thingName}/x`, payload: "", qos: 1 });
    assert.ok(reasonCode < 0x80);
  });
});

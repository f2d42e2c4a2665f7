import assert from "node:assert/strict";
import { it } from "node:test";
import type { CertificateProfile } from "../../registry/ports.ts";
import { CLAIM, Fixture, type MakeStore, randomHex, thingName } from "./fixture.ts";
import { refused } from "./refused.ts";

export function keyContract(make: MakeStore): void {
  it("lets a key recur for the same claim and client id while it is pending, and for nobody else", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    await fixture.pending({ clientId: "device-1", key });
    await fixture.pending({ clientId: "device-1", key });
    await refused(fixture.pending({ clientId: "device-2", key }), "key_in_use");
  });

  it("frees the key of a pending certificate that ended", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    await fixture.pending({ clientId: "device-1", key });
    fixture.clock.advance(3600_001);
    await fixture.store.expirePending(fixture.nowMs, 10);
    await fixture.pending({ clientId: "device-2", key });
  });

  it("frees the key of an intent whose certificate never came", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    const from = (clientId: string) => fixture.intent(fixture.signed("device", { key }), { claimId: CLAIM, clientId });
    await fixture.store.recordIntent(from("device-1"));
    await refused(fixture.store.recordIntent(from("device-2")), "key_in_use");
    fixture.clock.advance(3600_000);
    await fixture.store.recordIntent(from("device-2"));
  });

  it("refuses a device the key of a claim, a server or a CA", async () => {
    const fixture = await Fixture.ready(make);
    const profiles: readonly CertificateProfile[] = ["server", "issuing-ca", "root", "claim"];
    for (const profile of profiles) {
      const key = randomHex();
      await fixture.store.recordIntent(fixture.intent(fixture.signed(profile, { key })));
      await refused(fixture.pending({ key }), "key_in_use");
    }
  });

  it("refuses a server the key of a device, and lets it renew with its own", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    await fixture.pending({ key });
    await refused(fixture.store.recordIntent(fixture.intent(fixture.signed("server", { key }))), "key_in_use");
    const own = randomHex();
    await fixture.store.recordIntent(fixture.intent(fixture.signed("server", { key: own })));
    await fixture.store.recordIntent(fixture.intent(fixture.signed("server", { key: own })));
  });

  it("refuses a key that was revoked for compromise, for ever", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    const { certificate } = await fixture.provision("lamp-1", { key });
    const audit = fixture.audit("certificate.revoked", certificate.certificateId);
    const revoke = (reason: string) =>
      fixture.store.setCertificateStatus({ id: certificate.certificateId, status: "REVOKED", reason, audit });
    await revoke("operator");
    await revoke("key_compromise");
    await refused(fixture.pending({ clientId: "lamp-1", key }), "key_revoked");
    await refused(fixture.store.recordIntent(fixture.intent(fixture.signed("claim", { key }))), "key_revoked");
  });

  it("ends every certificate of a key that is revoked for compromise, and each is on the record", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    const { certificate: first } = await fixture.provision("lamp-1", { key });
    const { certificate: second } = await fixture.provision("lamp-1", { key, request: { existingThing: "add" } });
    const { certificate: waiting } = await fixture.pending({ clientId: "lamp-1", key });
    const { certificate: other } = await fixture.provision("lamp-2");
    const since = await fixture.store.changes.latest();
    const id = first.certificateId;
    const audit = fixture.audit("certificate.revoked", id);
    await fixture.store.setCertificateStatus({ id, status: "REVOKED", reason: "key_compromise", audit });
    const statusOf = async (of: typeof first) => (await fixture.store.certificate(of.certificateId))?.status;
    assert.deepEqual(await Promise.all([first, second, waiting, other].map(statusOf)), [
      "REVOKED",
      "REVOKED",
      "REVOKED",
      "ACTIVE",
    ]);
    const changed = (await fixture.store.changes.since(since)).map((change) => change.id);
    for (const ended of [first, second]) assert.ok(changed.includes(ended.certificateId));
    const bodies = (await fixture.store.entries(0, 1000)).map((entry) => entry.body);
    for (const ended of [first, second, waiting]) {
      assert.ok(bodies.some((body) => body.includes("certificate.revoked") && body.includes(ended.certificateId)));
    }
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 0);
  });

  it("redeems no certificate whose key was revoked for compromise while it was signed", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    const { certificate } = await fixture.provision("lamp-1", { key });
    const signed = fixture.signed("device", { key });
    await fixture.store.recordIntent(fixture.intent(signed, { claimId: CLAIM, clientId: "lamp-1" }));
    const audit = fixture.audit("certificate.revoked", certificate.certificateId);
    const id = certificate.certificateId;
    await fixture.store.setCertificateStatus({ id, status: "REVOKED", reason: "key_compromise", audit });
    const late = fixture.pendingOf(signed.certificate, "lamp-1");
    await fixture.recordPending(late);
    const plan = fixture.plan({ name: thingName("lamp-1") });
    await refused(fixture.store.redeem(fixture.request(late, plan, { existingThing: "add" })), "key_revoked");
  });

  it("keeps a thing's key for the thing: a stranger may not have it, the same client comes back with it", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    await fixture.provision("lamp-1", { key });
    await refused(fixture.pending({ clientId: "stranger", key }), "key_in_use");
    const again = await fixture.pending({ clientId: "lamp-1", key });
    const other = fixture.plan({ name: thingName("lamp-2") });
    await refused(fixture.store.redeem(fixture.request(again, other, { existingThing: "add" })), "key_in_use");
    const same = fixture.plan({ name: thingName("lamp-1") });
    await fixture.store.redeem(fixture.request(again, same, { existingThing: "add" }));
  });

  it("lets a released thing come back with its key under another client id", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    await fixture.provision("lamp-1", { key });
    await fixture.store.releaseThing({ name: thingName("lamp-1"), audit: fixture.audit("thing.released", "lamp-1") });
    await fixture.pending({ clientId: "renamed", key });
  });
}

import assert from "node:assert/strict";
import { it } from "node:test";
import type { PendingRenewal } from "../../enrollment/ports.ts";
import type { CertificateId } from "../../vocabulary/ids.ts";
import { Fixture, type MakeStore, randomHex, thingName } from "./fixture.ts";
import { refused } from "./refused.ts";

const LAMP = thingName("lamp-1");

export function renewalContract(make: MakeStore): void {
  it("activates a renewed certificate beside the present one, and a retry changes nothing", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision(LAMP);
    const renewal = await renew(fixture, certificate.certificateId);
    await activate(fixture, renewal);
    await activate(fixture, renewal);
    const renewed = await fixture.store.certificate(renewal.certificate.certificateId);
    assert.deepEqual([renewed?.status, renewed?.thingName], ["ACTIVE", LAMP]);
    assert.equal((await fixture.store.certificate(certificate.certificateId))?.status, "ACTIVE");
  });

  it("activates nothing for a certificate that was revoked while its renewal waited", async () => {
    for (const reason of ["operator", "key_compromise"]) {
      const fixture = await Fixture.ready(make);
      const { certificate } = await fixture.provision(LAMP);
      const renewal = await renew(fixture, certificate.certificateId);
      await revoke(fixture, certificate.certificateId, reason);
      await refused(activate(fixture, renewal), "certificate_revoked");
      assert.notEqual((await fixture.store.certificate(renewal.certificate.certificateId))?.status, "ACTIVE");
    }
  });

  it("activates nothing for a thing that was retired while its renewal waited", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision(LAMP);
    const renewal = await renew(fixture, certificate.certificateId);
    await fixture.store.retireThing({ name: LAMP, audit: fixture.audit("thing.retired", LAMP) });
    await refused(activate(fixture, renewal), "certificate_revoked");
  });

  it("activates one renewal only: the present certificate ends when it has connected, and with it all that waited", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision(LAMP);
    const [first, second] = [
      await renew(fixture, certificate.certificateId),
      await renew(fixture, certificate.certificateId),
    ];
    await activate(fixture, first);
    const audit = fixture.audit("certificate.revoked", certificate.certificateId);
    await fixture.store.supersede({ supersedes: certificate.certificateId, audit });
    await refused(activate(fixture, second), "certificate_revoked");
  });

  it("never binds a key to a second thing", async () => {
    const fixture = await Fixture.ready(make);
    const key = randomHex();
    await fixture.provision("lamp-2", { key });
    const { certificate } = await fixture.provision(LAMP);
    const renewal = await renew(fixture, certificate.certificateId, { key, clientId: "lamp-2" });
    await refused(activate(fixture, renewal), "key_in_use");
  });
}

async function renew(
  fixture: Fixture,
  renews: CertificateId,
  from: { readonly key?: string; readonly clientId?: string } = {},
): Promise<PendingRenewal> {
  const signed = fixture.signed("device", from);
  await fixture.store.recordIntent(fixture.intent(signed, { clientId: from.clientId ?? LAMP }));
  const { certificate } = signed;
  const attempt = fixture.attempt({ certificateId: certificate.certificateId, flow: "renewal" });
  const pending: PendingRenewal = {
    certificate,
    thingName: LAMP,
    renews,
    tokenHash: randomHex(),
    tokenExpiresAtMs: fixture.nowMs + 3600_000,
    attemptId: attempt.id,
  };
  await fixture.store.recordRenewal(pending, attempt, fixture.audit("certificate.issued", certificate.certificateId));
  return pending;
}

function activate(fixture: Fixture, { tokenHash }: PendingRenewal): Promise<void> {
  return fixture.store.activateRenewal({
    tokenHash,
    thingName: LAMP,
    nowMs: fixture.nowMs,
    complete: (begun) => ({ ...begun, outcome: "issued", thingName: LAMP }),
    audit: (id) => fixture.audit("certificate.renewed", id),
  });
}

function revoke(fixture: Fixture, id: CertificateId, reason: string): Promise<void> {
  const audit = fixture.audit("certificate.revoked", id);
  return fixture.store.setCertificateStatus({ id, status: "REVOKED", reason, audit });
}

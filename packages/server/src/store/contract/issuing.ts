import assert from "node:assert/strict";
import { it } from "node:test";
import { CLAIM, DAY_MS, Fixture, type MakeStore } from "./fixture.ts";
import { refused } from "./refused.ts";

export function issuingContract(make: MakeStore): void {
  it("records an intent, then the certificate it was for, which waits to be redeemed", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const { certificate } = pending;
    const record = await fixture.store.certificate(certificate.certificateId);
    assert.equal(record?.status, "PENDING_ACTIVATION");
    assert.equal(record?.serial, certificate.serial);
    assert.equal(record?.claimId, CLAIM);
    assert.equal(record?.thingName, undefined);
    assert.deepEqual(Buffer.from(record?.der ?? []), Buffer.from(certificate.der));
    assert.equal((await fixture.store.attempt(pending.attemptId))?.outcome, "pending");
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 1);
    const token = await fixture.store.token(pending.tokenHash);
    assert.equal(token?.certificateId, certificate.certificateId);
    assert.equal(token?.claimCertificateId, fixture.claimCertificateId);
    assert.equal(token?.clientId, "device-1");
    assert.equal(token?.redemption, undefined);
  });

  it("never records a certificate without an intent of the same serial number, profile and key", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = fixture.signed("device");
    await refused(fixture.recordPending(fixture.pendingOf(certificate, "device-1")), "conflict");
    const signed = fixture.signed("server");
    await fixture.store.recordIntent(fixture.intent(signed));
    const other = { ...signed.certificate, profile: "issuing-ca" as const };
    await refused(fixture.store.recordCertificate(other, fixture.audit("certificate.issued", "x")), "conflict");
    assert.equal(await fixture.store.certificate(signed.certificate.certificateId), undefined);
  });

  it("knows when the newest intent was recorded, by the clock of then", async () => {
    const fixture = await Fixture.open(make);
    assert.equal(await fixture.store.newestIntentAtMs(), 0);
    const [ahead, corrected] = [fixture.intent(fixture.signed("server")), fixture.intent(fixture.signed("server"))];
    await fixture.store.recordIntent({ ...ahead, atMs: 400 * DAY_MS });
    assert.equal(await fixture.store.newestIntentAtMs(), 400 * DAY_MS);
    await fixture.store.recordIntent({ ...corrected, atMs: 2 * DAY_MS });
    assert.equal(await fixture.store.newestIntentAtMs(), 2 * DAY_MS);
  });

  it("records a certificate once, and a serial number once", async () => {
    const fixture = await Fixture.open(make);
    const signed = fixture.signed("server");
    await fixture.store.recordIntent(fixture.intent(signed));
    await refused(fixture.store.recordIntent(fixture.intent(signed)), "conflict");
    const record = () =>
      fixture.store.recordCertificate(signed.certificate, fixture.audit("certificate.issued", "server"));
    await record();
    await refused(record(), "conflict");
    assert.equal((await fixture.store.certificate(signed.certificate.certificateId))?.status, "ACTIVE");
    assert.equal(await fixture.store.entryCount(), 1);
  });

  it("refuses an intent for a claim that is disabled, suspended, expired, not yet valid or unknown", async () => {
    const fixture = await Fixture.ready(make, { notBeforeMs: Date.UTC(2026, 0, 1) + DAY_MS });
    const intent = () => fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: "device-1" });
    const setStatus = (status: "active" | "suspended" | "disabled", reason?: string) =>
      fixture.store.setClaimStatus({ claimId: CLAIM, status, reason, audit: fixture.audit("claim", CLAIM) });
    await refused(fixture.store.recordIntent(intent()), "claim_not_yet_valid");
    fixture.clock.advance(DAY_MS);
    await fixture.store.recordIntent(intent());
    await setStatus("suspended", "too many refusals");
    await refused(fixture.store.recordIntent(intent()), "claim_suspended");
    await setStatus("active");
    fixture.clock.advance(90 * DAY_MS);
    await refused(fixture.store.recordIntent(intent()), "claim_expired");
    await setStatus("disabled", "leaked");
    await refused(fixture.store.recordIntent(intent()), "claim_disabled");
    const unknown = { ...intent(), claimId: "claim-2" as typeof CLAIM };
    await refused(fixture.store.recordIntent(unknown), "claim_disabled");
  });

  it("holds at most twice the remaining quota of pending certificates, counted from the intent on", async () => {
    const fixture = await Fixture.ready(make, { maxDevices: 2 });
    const intents = Array.from({ length: 10 }, (_, i) =>
      fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: `device-${i}` }),
    );
    const outcomes = await Promise.allSettled(intents.map((intent) => fixture.store.recordIntent(intent)));
    assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 4);
    const another = fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: "another" });
    await refused(fixture.store.recordIntent(another), "claim_pending_limit");
  });

  it("refuses an intent when the quota is used up", async () => {
    const fixture = await Fixture.ready(make, { maxDevices: 1 });
    await fixture.provision("lamp-1");
    const intent = fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: "device-2" });
    await refused(fixture.store.recordIntent(intent), "claim_quota_exceeded");
  });

  it("gives a reservation back when its certificate never came", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.store.recordIntent(fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: "a" }));
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 1);
    assert.equal(await fixture.store.expirePending(fixture.nowMs, 100), 0);
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 1);
    fixture.clock.advance(3600_000);
    await fixture.store.expirePending(fixture.nowMs, 100);
    await fixture.store.expirePending(fixture.nowMs, 100);
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 0);
  });

  it("counts a certificate that comes after its reservation was given back", async () => {
    const fixture = await Fixture.ready(make);
    const signed = fixture.signed("device");
    await fixture.store.recordIntent(fixture.intent(signed, { claimId: CLAIM, clientId: "a" }));
    fixture.clock.advance(3600_000);
    await fixture.store.expirePending(fixture.nowMs, 100);
    await fixture.recordPending(fixture.pendingOf(signed.certificate, "a"));
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 1);
  });

  it("ends pending certificates whose token expired, a bounded number at a time", async () => {
    const fixture = await Fixture.ready(make);
    const first = await fixture.pending({ clientId: "a" });
    await fixture.pending({ clientId: "b" });
    assert.equal(await fixture.store.expirePending(fixture.nowMs, 100), 0);
    fixture.clock.advance(3600_001);
    assert.equal(await fixture.store.expirePending(fixture.nowMs, 1), 1);
    assert.equal(await fixture.store.expirePending(fixture.nowMs, 1), 1);
    assert.equal(await fixture.store.expirePending(fixture.nowMs, 1), 0);
    const record = await fixture.store.certificate(first.certificate.certificateId);
    assert.deepEqual([record?.status, record?.statusReason], ["REVOKED", "token_expired"]);
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 0);
    await refused(fixture.store.redeem(fixture.request(first, fixture.plan({}))), "token_expired");
  });

  it("begins with epoch 1; a restore makes it 2, ends tokens and leaves no claim issuing whose count nobody vouches for", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.createClaim("claim-2" as typeof CLAIM, { maxDevices: 5 });
    const pending = await fixture.pending();
    await fixture.store.recordIntent(fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: "open" }));
    assert.equal(await fixture.store.epoch(), 1);
    const usage = [{ claimId: "claim-2", redeemed: 9 }];
    const audit = fixture.audit("installation.restored", "installation");
    assert.equal(await fixture.store.bumpEpoch({ usage, audit }), 2);
    assert.equal(await fixture.store.epoch(), 2);
    assert.equal(await fixture.store.token(pending.tokenHash), undefined);
    const record = await fixture.store.certificate(pending.certificate.certificateId);
    assert.deepEqual([record?.status, record?.statusReason], ["REVOKED", "restored"]);
    const claim = await fixture.store.claim(CLAIM);
    assert.deepEqual([claim?.status, claim?.statusReason, claim?.pending], ["suspended", "installation_restored", 0]);
    const vouched = await fixture.store.claim("claim-2" as typeof CLAIM);
    assert.deepEqual([vouched?.status, vouched?.redeemed], ["active", 5]);
    const intent = fixture.intent(fixture.signed("device"), { claimId: CLAIM, clientId: "x" });
    await refused(fixture.store.recordIntent(intent), "installation_restored");
    await fixture.store.setClaimStatus({
      claimId: CLAIM,
      status: "active",
      reason: undefined,
      audit: fixture.audit("claim.resumed", CLAIM),
    });
    await fixture.store.recordIntent(intent);
    await refused(fixture.store.redeem(fixture.request(pending, fixture.plan({}))), "token_unknown");
    assert.equal(await fixture.store.bumpEpoch({ usage: undefined, knownEpoch: 7, audit }), 8);
  });

  it("leaves a claim closed after a restore that was suspended or quarantined after the backup, with its count", async () => {
    const fixture = await Fixture.ready(make, { maxDevices: 5 });
    const audit = fixture.audit("installation.restored", "installation");
    await fixture.store.bumpEpoch({ usage: [{ claimId: CLAIM, redeemed: 3, closed: true }], audit });
    const claim = await fixture.store.claim(CLAIM);
    assert.deepEqual([claim?.status, claim?.statusReason, claim?.redeemed], ["suspended", "installation_restored", 3]);
  });
}

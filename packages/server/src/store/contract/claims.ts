import assert from "node:assert/strict";
import { it } from "node:test";
import { CLAIM, claimId, Fixture, type MakeStore, thingName } from "./fixture.ts";
import { refused } from "./refused.ts";

const HOUR_MS = 3600_000;

export function claimContract(make: MakeStore): void {
  it("keeps a claim with its passport, expected devices and first certificate", async () => {
    const fixture = await Fixture.open(make);
    const passport = { batch: "B7", networks: ["192.0.2.0/24"], guard: "serials" as const, maxDevices: 3 };
    const certificateId = await fixture.createClaim(CLAIM, passport, ["SN-2", "SN-1"]);
    const claim = await fixture.store.claim(CLAIM);
    assert.deepEqual(
      [claim?.batch, claim?.supplier, claim?.networks, claim?.guard, claim?.maxDevices, claim?.kind, claim?.status],
      ["B7", undefined, ["192.0.2.0/24"], "serials", 3, "shared", "active"],
    );
    assert.deepEqual(
      claim?.certificates.map((row) => [row.certificateId, row.status]),
      [[certificateId, "ACTIVE"]],
    );
    assert.deepEqual([claim?.redeemed, claim?.pending, claim?.quarantined], [0, 0, false]);
    assert.equal((await fixture.store.certificate(certificateId))?.claimId, CLAIM);
    await refused(fixture.createClaim(CLAIM), "already_exists");
    assert.equal((await fixture.store.claims()).length, 1);
    assert.equal(await fixture.store.claim(claimId("none")), undefined);
  });

  it("adds a certificate to a claim that rotates, and counts who still uses the old one", async () => {
    const fixture = await Fixture.ready(make);
    const old = fixture.claimCertificateId;
    await fixture.provision("lamp-1");
    const signed = fixture.signed("claim");
    await fixture.store.recordIntent(fixture.intent(signed));
    const audit = fixture.audit("claim.rotated", CLAIM);
    await fixture.store.addClaimCertificate({ claimId: CLAIM, certificate: signed.certificate, audit });
    fixture.claimCertificateId = signed.certificate.certificateId;
    await fixture.provision("lamp-2");
    await fixture.provision("lamp-3");
    const activity = await fixture.store.claimActivity(CLAIM, fixture.nowMs);
    assert.deepEqual(activity.byCertificate, [
      { certificateId: old, redeemed: 1, lastAtMs: fixture.nowMs },
      { certificateId: signed.certificate.certificateId, redeemed: 2, lastAtMs: fixture.nowMs },
    ]);
  });

  it("suspends and resumes; a disabled claim stays disabled", async () => {
    const fixture = await Fixture.ready(make);
    const set = (status: "active" | "suspended" | "disabled", reason?: string) =>
      fixture.store.setClaimStatus({ claimId: CLAIM, status, reason, audit: fixture.audit("claim", CLAIM) });
    await set("suspended", "burst");
    assert.equal((await fixture.store.claim(CLAIM))?.statusReason, "burst");
    await set("active");
    assert.equal((await fixture.store.claim(CLAIM))?.statusReason, undefined);
    await set("disabled", "leaked");
    await refused(set("active"), "conflict");
    const signed = fixture.signed("claim");
    await fixture.store.recordIntent(fixture.intent(signed));
    const audit = fixture.audit("claim.rotated", CLAIM);
    await refused(
      fixture.store.addClaimCertificate({ claimId: CLAIM, certificate: signed.certificate, audit }),
      "conflict",
    );
    const unknown = { claimId: claimId("none"), status: "active" as const, reason: undefined, audit };
    await refused(fixture.store.setClaimStatus(unknown), "not_found");
  });

  it("puts a claim and what was born from it under quarantine, and takes it back", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision("lamp-1");
    const quarantine = (quarantined: boolean) =>
      fixture.store.setClaimQuarantine({
        claimId: CLAIM,
        quarantined,
        audit: fixture.audit("claim.quarantined", CLAIM),
      });
    const before = await fixture.store.changes.latest();
    await quarantine(true);
    assert.equal((await fixture.store.connection(certificate.certificateId))?.quarantined, true);
    const kinds = (await fixture.store.changes.since(before)).map((change) => change.kind);
    assert.deepEqual(kinds, ["claim", "policies"]);
    await quarantine(false);
    assert.equal((await fixture.store.connection(certificate.certificateId))?.quarantined, false);
  });

  it("lists expected devices in order, page by page, and takes more of them", async () => {
    const fixture = await Fixture.open(make);
    await fixture.createClaim(CLAIM, { guard: "serials" }, ["SN-3", "SN-1"]);
    const audit = fixture.audit("claim.devices-expected", CLAIM);
    await fixture.store.addExpectedDevices({ claimId: CLAIM, serials: ["SN-2", "SN-3"], audit });
    const first = await fixture.store.expectedDevices(CLAIM, { limit: 2, cursor: undefined });
    const second = await fixture.store.expectedDevices(CLAIM, { limit: 2, cursor: first.next });
    const serials = [...first.items, ...second.items].map((device) => device.serialNumber);
    assert.deepEqual(serials, ["SN-1", "SN-2", "SN-3"]);
    assert.equal(second.next, undefined);
    assert.equal(await fixture.store.expectedDevice(CLAIM, "SN-9"), undefined);
  });

  it("reports what was redeemed in the last hour and day", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.provision("lamp-1");
    fixture.clock.advance(HOUR_MS);
    await fixture.provision("lamp-2");
    await fixture.provision("lamp-3");
    const activity = await fixture.store.claimActivity(CLAIM, fixture.nowMs);
    assert.deepEqual([activity.redeemedLastHour, activity.redeemedLastDay], [2, 3]);
    const later = await fixture.store.claimActivity(CLAIM, fixture.nowMs + 23 * HOUR_MS);
    assert.deepEqual([later.redeemedLastHour, later.redeemedLastDay], [0, 2]);
  });

  it("tallies refusals by reason, each attempt once, and remembers suspicious serial numbers", async () => {
    const fixture = await Fixture.ready(make, { guard: "serials" }, ["SN-1"]);
    const denied = (
      reason: "serial_not_expected" | "thing_already_provisioned" | "hook_denied",
      serialNumber: string,
    ) => fixture.attempt({ outcome: "denied", reason, serialNumber });
    const first = denied("serial_not_expected", "SN-9");
    await fixture.store.saveAttempt(first);
    await fixture.store.saveAttempt(first);
    fixture.clock.advance(1000);
    await fixture.store.saveAttempt(denied("serial_not_expected", "SN-8"));
    await fixture.store.saveAttempt(denied("serial_not_expected", "SN-8"));
    await fixture.store.saveAttempt(denied("thing_already_provisioned", "SN-1"));
    await fixture.store.saveAttempt(denied("hook_denied", "SN-2"));
    const activity = await fixture.store.claimActivity(CLAIM, fixture.nowMs);
    assert.deepEqual(activity.refusals, [
      { reason: "hook_denied", count: 1, lastAtMs: fixture.nowMs },
      { reason: "serial_not_expected", count: 3, lastAtMs: fixture.nowMs },
      { reason: "thing_already_provisioned", count: 1, lastAtMs: fixture.nowMs },
    ]);
    assert.deepEqual([activity.unknownSerials, activity.duplicateSerials], [["SN-9", "SN-8"], ["SN-1"]]);
    assert.deepEqual([activity.expected, activity.expectedProvisioned], [1, 0]);
  });

  it("knows a claim's networks from their first use on", async () => {
    const fixture = await Fixture.ready(make);
    const firstAtMs = fixture.nowMs;
    const note = (network: string, times?: number) =>
      fixture.store.noteClaimNetwork(CLAIM, network, fixture.nowMs, times);
    assert.equal(await note("192.0.2.0/24"), true);
    fixture.clock.advance(1000);
    assert.equal(await note("192.0.2.0/24", 3), false);
    assert.equal(await note("2001:db8::/48"), true);
    const { networks } = await fixture.store.claimActivity(CLAIM, fixture.nowMs);
    assert.deepEqual(networks, [
      { network: "192.0.2.0/24", firstAtMs, lastAtMs: fixture.nowMs, count: 4 },
      { network: "2001:db8::/48", firstAtMs: fixture.nowMs, lastAtMs: fixture.nowMs, count: 1 },
    ]);
  });

  it("lists what was born from a claim: certificates, and each thing once", async () => {
    const fixture = await Fixture.ready(make);
    for (const name of ["lamp-1", "lamp-2", "lamp-3"]) await fixture.provision(name);
    await fixture.provision("lamp-1", { request: { existingThing: "replace-all" } });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await fixture.store.things({ claimId: CLAIM, limit: 2, cursor });
      names.push(...page.items.map((thing) => thing.thingName));
      cursor = page.next;
    } while (cursor !== undefined);
    assert.deepEqual(names, ["lamp-2", "lamp-3", "lamp-1"]);
    const page = await fixture.store.certificates({ claimId: CLAIM, limit: 100, cursor: undefined });
    assert.equal(page.items.filter((certificate) => certificate.profile === "device").length, 4);
    const ofThing = await fixture.store.certificates({
      thingName: thingName("lamp-1"),
      claimId: CLAIM,
      limit: 100,
      cursor: undefined,
    });
    assert.deepEqual(
      ofThing.items.map((certificate) => certificate.status),
      ["ACTIVE", "REVOKED"],
    );
  });

  it("tells a checkpoint how much of each open claim is used", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.createClaim(claimId("claim-2"));
    await fixture.provision("lamp-1");
    assert.deepEqual(await fixture.store.claimUsage(), [
      { claimId: CLAIM, redeemed: 1 },
      { claimId: "claim-2", redeemed: 0 },
    ]);
    const audit = fixture.audit("claim.disabled", CLAIM);
    await fixture.store.setClaimStatus({ claimId: CLAIM, status: "suspended", reason: "burst", audit });
    await fixture.store.setClaimQuarantine({ claimId: claimId("claim-2"), quarantined: true, audit });
    assert.deepEqual(await fixture.store.claimUsage(), [
      { claimId: CLAIM, redeemed: 1, closed: true },
      { claimId: "claim-2", redeemed: 0, closed: true },
    ]);
    await fixture.store.setClaimStatus({ claimId: CLAIM, status: "disabled", reason: "leaked", audit });
    assert.deepEqual(await fixture.store.claimUsage(), [{ claimId: "claim-2", redeemed: 0, closed: true }]);
  });
}

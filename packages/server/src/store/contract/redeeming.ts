import assert from "node:assert/strict";
import { it } from "node:test";
import {
  CLAIM,
  DAY_MS,
  Fixture,
  groupName,
  type MakeStore,
  POLICY,
  policyName,
  TEMPLATE,
  thingName,
  typeName,
} from "./fixture.ts";
import { refused } from "./refused.ts";

export function redeemContract(make: MakeStore): void {
  it("creates the thing, attaches its policies, activates the certificate and completes the attempt", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.store.createType({ name: typeName("bulb"), audit: fixture.audit("type.created", "bulb") });
    await fixture.store.createGroup({
      name: groupName("hall"),
      parent: undefined,
      audit: fixture.audit("group.created", "hall"),
    });
    const pending = await fixture.pending();
    const thing = {
      name: thingName("lamp-1"),
      typeName: typeName("bulb"),
      attributes: { colour: "red" },
      groups: [groupName("hall")],
    };
    const plan = fixture.plan(thing, {
      policies: [
        { name: POLICY, document: undefined },
        { name: policyName("own"), document: "{}" },
      ],
    });
    const outcome = await fixture.store.redeem(fixture.request(pending, plan));
    const redemption = { requestDigest: "d1", thingName: "lamp-1", deviceConfiguration: { endpoint: "mqtt.example" } };
    assert.deepEqual(outcome, { kind: "redeemed", redemption });
    const record = await fixture.store.thing(thing.name);
    assert.deepEqual(
      [record?.typeName, record?.attributes, record?.groups, record?.policies, record?.status],
      ["bulb", { colour: "red" }, ["hall"], [POLICY, "own"], "active"],
    );
    const certificate = await fixture.store.certificate(pending.certificate.certificateId);
    assert.deepEqual([certificate?.status, certificate?.thingName], ["ACTIVE", "lamp-1"]);
    const claim = await fixture.store.claim(CLAIM);
    assert.deepEqual([claim?.redeemed, claim?.pending], [1, 0]);
    const attempt = await fixture.store.attempt(pending.attemptId);
    assert.deepEqual([attempt?.outcome, attempt?.thingName, attempt?.template], ["issued", "lamp-1", TEMPLATE]);
    assert.ok(attempt?.written.includes("thing lamp-1 created"));
    assert.ok(attempt?.written.includes("policy own created"));
    assert.equal((await fixture.store.token(pending.tokenHash))?.redemption?.thingName, "lamp-1");
  });

  it("attaches policies to the certificate where the template makes no thing", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    await fixture.store.redeem(fixture.request(pending, fixture.plan(undefined, { certificateStatus: "INACTIVE" })));
    const connection = await fixture.store.connection(pending.certificate.certificateId);
    assert.equal(connection?.certificate.status, "INACTIVE");
    assert.equal(connection?.thing, undefined);
    assert.deepEqual(
      connection?.policies.map((policy) => policy.name),
      [POLICY],
    );
  });

  it("answers a retry with the same answer and changes nothing", async () => {
    const fixture = await Fixture.ready(make, { maxDevices: 1 });
    const pending = await fixture.pending();
    const request = fixture.request(pending, fixture.plan({}));
    const first = await fixture.store.redeem(request);
    const entries = await fixture.store.entryCount();
    const second = await fixture.store.redeem({ ...request, plan: fixture.plan({ name: thingName("other") }) });
    assert.deepEqual(second, { kind: "replayed", redemption: first.kind === "redeemed" && first.redemption });
    assert.equal(await fixture.store.entryCount(), entries);
    assert.equal((await fixture.store.claim(CLAIM))?.redeemed, 1);
    await refused(fixture.store.redeem({ ...request, requestDigest: "d2" }), "token_already_used");
  });

  it("makes one thing of 1,000 parallel redemptions of one token", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const requests = Array.from({ length: 1000 }, (_, i) =>
      fixture.request(pending, fixture.plan({ name: thingName(`thing-${i}`) })),
    );
    const outcomes = await Promise.all(requests.map((request) => fixture.store.redeem(request)));
    assert.equal(outcomes.filter((outcome) => outcome.kind === "redeemed").length, 1);
    const names = new Set(
      outcomes.map((outcome) => outcome.kind !== "template_changed" && outcome.redemption.thingName),
    );
    assert.equal(names.size, 1);
    assert.equal((await fixture.store.things({ limit: 250, cursor: undefined })).items.length, 1);
    assert.equal((await fixture.store.claim(CLAIM))?.redeemed, 1);
  });

  it("keeps a quota of 100 exactly when 500 devices come at once", async () => {
    const fixture = await Fixture.ready(make, { maxDevices: 100 });
    const outcomes = await Promise.allSettled(Array.from({ length: 500 }, (_, i) => fixture.provision(`lamp-${i}`)));
    const issued = outcomes.filter((outcome) => outcome.status === "fulfilled").length;
    assert.equal(issued, 100);
    const claim = await fixture.store.claim(CLAIM);
    assert.equal(claim?.redeemed, 100);
    assert.equal((await fixture.store.things({ limit: 250, cursor: undefined })).items.length, 100);
  });

  it("redeems a listed serial number once", async () => {
    const fixture = await Fixture.ready(make, { guard: "serials" }, ["SN-1", "SN-2"]);
    const attempts = Array.from({ length: 20 }, (_, i) =>
      fixture.provision(`lamp-${i}`, { request: { expectedSerial: "SN-1", serialNumber: "SN-1" } }),
    );
    const outcomes = await Promise.allSettled(attempts);
    assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
    await refused(fixture.provision("lamp-21", { request: { expectedSerial: "SN-1" } }), "thing_already_provisioned");
    await refused(fixture.provision("lamp-22", { request: { expectedSerial: "SN-3" } }), "serial_not_expected");
    const device = await fixture.store.expectedDevice(CLAIM, "SN-1");
    assert.equal(device?.state, "provisioned");
    assert.match(device?.thingName ?? "", /^lamp-/);
    assert.equal((await fixture.store.expectedDevice(CLAIM, "SN-2"))?.state, "expected");
  });

  it("refuses a token that is unknown, expired, or another claim's or client's", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const request = fixture.request(pending, fixture.plan({}));
    await refused(fixture.store.redeem({ ...request, tokenHash: "00".repeat(32) }), "token_unknown");
    await refused(fixture.store.redeem({ ...request, clientId: "device-2" }), "token_principal_mismatch");
    await fixture.createClaim("claim-2" as typeof CLAIM);
    await refused(fixture.store.redeem({ ...request, claimId: "claim-2" as typeof CLAIM }), "token_principal_mismatch");
    fixture.clock.advance(3600_000);
    await refused(fixture.store.redeem({ ...request, nowMs: fixture.nowMs }), "token_expired");
  });

  it("refuses a token whose certificate was revoked meanwhile", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const id = pending.certificate.certificateId;
    await fixture.store.setCertificateStatus({
      id,
      status: "REVOKED",
      reason: "operator",
      audit: fixture.audit("certificate.revoked", id),
    });
    await refused(fixture.store.redeem(fixture.request(pending, fixture.plan({}))), "token_unknown");
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 0);
  });

  it("repeats the claim's conditions, also for a retry", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const redeemed = await fixture.provision("lamp-9");
    const setStatus = (status: "active" | "suspended" | "disabled") =>
      fixture.store.setClaimStatus({ claimId: CLAIM, status, reason: "test", audit: fixture.audit("claim", CLAIM) });
    await setStatus("suspended");
    await refused(fixture.store.redeem(fixture.request(pending, fixture.plan({}))), "claim_suspended");
    await setStatus("active");
    const late = { nowMs: fixture.nowMs + 90 * DAY_MS };
    await refused(fixture.store.redeem(fixture.request(pending, fixture.plan({}), late)), "claim_expired");
    await setStatus("disabled");
    await refused(fixture.store.redeem(fixture.request(pending, fixture.plan({}))), "claim_disabled");
    await refused(fixture.store.redeem(fixture.request(redeemed, fixture.plan({}))), "claim_disabled");
  });

  it("asks for another evaluation when the template changed, and refuses one that is disabled or gone", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    await fixture.applyTemplate(TEMPLATE, '{"Resources":{"thing":{}}}');
    assert.deepEqual(await fixture.store.redeem(fixture.request(pending, fixture.plan({}))), {
      kind: "template_changed",
    });
    const record = await fixture.store.template(TEMPLATE);
    if (record === undefined) throw new Error("The template is there.");
    const settings = { ...record.settings, enabled: false };
    const audit = fixture.audit("template.applied", TEMPLATE);
    await fixture.store.applyTemplate({
      name: TEMPLATE,
      body: undefined,
      settings,
      hook: undefined,
      nowMs: fixture.nowMs,
      audit,
    });
    await refused(fixture.store.redeem(fixture.request(pending, fixture.plan({}))), "template_disabled");
    const gone = { template: { name: "gone" as typeof TEMPLATE, version: 1 } };
    await refused(fixture.store.redeem(fixture.request(pending, fixture.plan({}), gone)), "template_unknown");
  });

  it("refuses a plan that names a missing policy, group or type, names it, and leaves nothing half done", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const redeem = (thing: Parameters<Fixture["plan"]>[0], change?: Parameters<Fixture["plan"]>[1]) =>
      fixture.store.redeem(fixture.request(pending, fixture.plan(thing, change)));
    const entries = await fixture.store.entryCount();
    const policies = [
      { name: policyName("made"), document: "{}" },
      { name: policyName("missing"), document: undefined },
    ];
    assert.match((await refused(redeem({}, { policies }), "policy_unknown")).message, /missing/);
    assert.match((await refused(redeem({ groups: [groupName("nobody")] }), "group_unknown")).message, /nobody/);
    assert.match((await refused(redeem({ typeName: typeName("nothing") }), "thing_type_unknown")).message, /nothing/);
    assert.equal(await fixture.store.thing(thingName("thing-1")), undefined);
    assert.equal(await fixture.store.policy(policyName("made")), undefined);
    assert.equal(await fixture.store.entryCount(), entries);
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 1);
    assert.equal((await fixture.store.certificate(pending.certificate.certificateId))?.status, "PENDING_ACTIVATION");
    assert.equal((await redeem({})).kind, "redeemed");
  });

  it("redeems nothing, and lets nothing more be signed, for a claim that was quarantined meanwhile", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const audit = fixture.audit("claim.quarantined", CLAIM);
    await fixture.store.setClaimQuarantine({ claimId: CLAIM, quarantined: true, audit });
    const redeem = () => fixture.store.redeem(fixture.request(pending, fixture.plan({ name: thingName("lamp-1") })));
    await refused(redeem(), "claim_suspended");
    await refused(fixture.pending({ clientId: "device-2" }), "claim_suspended");
    await fixture.store.setClaimQuarantine({ claimId: CLAIM, quarantined: false, audit });
    assert.equal((await redeem()).kind, "redeemed");
  });

  it("redeems nothing that was asked for with a claim certificate that was revoked meanwhile", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const id = fixture.claimCertificateId;
    const audit = fixture.audit("certificate.revoked", id);
    await fixture.store.setCertificateStatus({ id, status: "REVOKED", reason: "operator", audit });
    const plan = fixture.plan({ name: thingName("lamp-1") });
    await refused(fixture.store.redeem(fixture.request(pending, plan)), "certificate_revoked");
  });
}

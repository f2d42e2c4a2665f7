import assert from "node:assert/strict";
import { it } from "node:test";
import type { RedeemRequest } from "../../enrollment/ports.ts";
import type { OverrideRule, PlannedThing } from "../../templates/plan.ts";
import { DAY_MS, Fixture, groupName, type MakeStore, thingName, typeName } from "./fixture.ts";
import { refused } from "./refused.ts";

const LAMP = thingName("lamp");

/** One provisioning more of the thing that exists. */
function again(fixture: Fixture, existingThing: RedeemRequest["existingThing"], thing: Partial<PlannedThing> = {}) {
  return fixture.provision("lamp", { thing, request: { existingThing } });
}

function release(fixture: Fixture): Promise<void> {
  return fixture.store.releaseThing({ name: LAMP, audit: fixture.audit("thing.released", "lamp") });
}

export function redeemThingContract(make: MakeStore): void {
  it("refuses a thing that has an active certificate", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.provision("lamp");
    await refused(again(fixture, "refuse"), "thing_already_provisioned");
    await release(fixture);
    await refused(again(fixture, "refuse"), "thing_already_provisioned");
  });

  it("replaces the certificate of a released thing, once", async () => {
    const fixture = await Fixture.ready(make);
    const old = await fixture.provision("lamp");
    await refused(again(fixture, "replace"), "thing_already_provisioned");
    await release(fixture);
    assert.equal((await fixture.store.thing(LAMP))?.released, true);
    const next = await again(fixture, "replace");
    const ended = await fixture.store.certificate(old.certificate.certificateId);
    assert.deepEqual([ended?.status, ended?.statusReason, ended?.thingName], ["REVOKED", "superseded", "lamp"]);
    assert.equal((await fixture.store.certificate(next.certificate.certificateId))?.status, "ACTIVE");
    assert.equal((await fixture.store.thing(LAMP))?.released, false);
    await refused(again(fixture, "replace"), "thing_already_provisioned");
  });

  it("replaces without asking, or adds a second certificate, where the template says so", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.provision("lamp");
    await again(fixture, "add");
    assert.deepEqual(await statuses(fixture), ["ACTIVE", "ACTIVE"]);
    await again(fixture, "replace-all");
    assert.deepEqual(await statuses(fixture), ["ACTIVE", "REVOKED", "REVOKED"]);
  });

  it("lets a thing come back whose certificate expired", async () => {
    const fixture = await Fixture.ready(make, { notAfterMs: Date.UTC(2027, 0, 1) });
    await fixture.provision("lamp", { lifetimeMs: DAY_MS });
    fixture.clock.advance(DAY_MS);
    await again(fixture, "refuse");
  });

  it("lets a thing come back whose certificate an operator revoked only after a release", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision("lamp");
    const id = certificate.certificateId;
    const audit = fixture.audit("certificate.revoked", id);
    await fixture.store.setCertificateStatus({ id, status: "REVOKED", reason: "stolen", audit });
    await refused(again(fixture, "refuse"), "thing_already_provisioned");
    await refused(again(fixture, "replace"), "thing_already_provisioned");
    await release(fixture);
    await again(fixture, "refuse");
    assert.equal((await fixture.store.thing(LAMP))?.released, false);
  });

  it("never gives a certificate to a thing that is retired", async () => {
    const fixture = await Fixture.ready(make);
    await fixture.provision("lamp");
    await fixture.store.retireThing({ name: LAMP, audit: fixture.audit("thing.retired", "lamp") });
    for (const rule of ["refuse", "replace", "replace-all", "add"] as const) {
      const fault = await refused(again(fixture, rule), "thing_already_provisioned");
      assert.match(fault.message, /retired/);
    }
  });

  it("gives its first certificate to a thing that was created beforehand", async () => {
    const fixture = await Fixture.ready(make);
    const attributes = { site: "north" };
    await fixture.store.createThing({
      name: LAMP,
      typeName: undefined,
      attributes,
      audit: fixture.audit("thing.created", "lamp"),
    });
    await again(fixture, "refuse", { attributes: { colour: "red" }, override: rules("MERGE") });
    assert.deepEqual((await fixture.store.thing(LAMP))?.attributes, { site: "north", colour: "red" });
  });

  const cases: readonly [OverrideRule, Record<string, string>, readonly string[], string][] = [
    ["DO_NOTHING", { a: "1", b: "1" }, ["old"], "bulb"],
    ["REPLACE", { b: "2", c: "2" }, ["new"], "tube"],
    ["MERGE", { a: "1", b: "2", c: "2" }, ["new", "old"], "tube"],
  ];
  for (const [rule, attributes, groups, type] of cases) {
    it(`applies OverrideSettings ${rule} to attributes, groups and type`, async () => {
      const fixture = await withThing(make);
      const thing = { attributes: { b: "2", c: "2" }, groups: [groupName("new")], typeName: typeName("tube") };
      await again(fixture, "add", { ...thing, override: rules(rule) });
      const record = await fixture.store.thing(LAMP);
      assert.deepEqual([record?.attributes, record?.groups, record?.typeName], [attributes, groups, type]);
    });
  }

  it("refuses what OverrideSettings FAIL says must be equal, and accepts what is", async () => {
    const same = { attributes: { a: "1", b: "1" }, groups: [groupName("old")], typeName: typeName("bulb") };
    const different: readonly Partial<PlannedThing>[] = [
      { attributes: { a: "1" } },
      { groups: [groupName("old"), groupName("new")] },
      { typeName: typeName("tube") },
    ];
    const fixture = await withThing(make);
    for (const change of different) {
      await refused(again(fixture, "add", { ...same, ...change, override: rules("FAIL") }), "resource_conflict");
    }
    await again(fixture, "add", { ...same, override: rules("FAIL") });
  });

  it("tells live connections of a thing whose settings or certificates changed", async () => {
    const fixture = await Fixture.ready(make);
    const old = await fixture.provision("lamp");
    const before = await fixture.store.changes.latest();
    const next = await again(fixture, "replace-all");
    const changes = await fixture.store.changes.since(before);
    const seen = changes.map(({ kind, id }) => `${kind} ${id}`);
    for (const id of [old.certificate.certificateId, next.certificate.certificateId])
      assert.ok(seen.includes(`certificate ${id}`));
    assert.ok(seen.includes("thing lamp"));
  });
}

function rules(rule: OverrideRule): PlannedThing["override"] {
  return { attributes: rule, typeName: rule, groups: rule };
}

async function statuses(fixture: Fixture): Promise<readonly string[]> {
  return ((await fixture.store.thing(LAMP))?.certificates ?? []).map((certificate) => certificate.status).sort();
}

async function withThing(make: MakeStore): Promise<Fixture> {
  const fixture = await Fixture.ready(make);
  for (const name of ["bulb", "tube"]) {
    await fixture.store.createType({ name: typeName(name), audit: fixture.audit("type.created", name) });
  }
  for (const name of ["old", "new"]) {
    await fixture.store.createGroup({
      name: groupName(name),
      parent: undefined,
      audit: fixture.audit("group.created", name),
    });
  }
  const thing = { attributes: { a: "1", b: "1" }, groups: [groupName("old")], typeName: typeName("bulb") };
  await fixture.provision("lamp", { thing });
  return fixture;
}

import assert from "node:assert/strict";
import { it } from "node:test";
import type { PolicyTarget } from "../../registry/ports.ts";
import { CLAIM, Fixture, groupName, type MakeStore, POLICY, policyName, thingName, typeName } from "./fixture.ts";
import { refused } from "./refused.ts";

const LAMP = thingName("lamp");

export function registryContract(make: MakeStore): void {
  it("creates things of known types, each name once", async () => {
    const fixture = await Fixture.open(make);
    const create = (name: string, type?: string) =>
      fixture.store.createThing({
        name: thingName(name),
        typeName: type === undefined ? undefined : typeName(type),
        attributes: { site: "north" },
        audit: fixture.audit("thing.created", name),
      });
    await refused(create("lamp", "bulb"), "not_found");
    await fixture.store.createType({ name: typeName("bulb"), audit: fixture.audit("type.created", "bulb") });
    await refused(
      fixture.store.createType({ name: typeName("bulb"), audit: fixture.audit("t", "b") }),
      "already_exists",
    );
    await create("lamp", "bulb");
    await refused(create("lamp"), "already_exists");
    const thing = await fixture.store.thing(LAMP);
    assert.deepEqual([thing?.typeName, thing?.attributes, thing?.certificates], ["bulb", { site: "north" }, []]);
    assert.deepEqual(await fixture.store.types(), ["bulb"]);
    assert.equal(await fixture.store.thing(thingName("none")), undefined);
  });

  it("lists things page by page, in order of creation, also those of a group", async () => {
    const fixture = await Fixture.open(make);
    await fixture.store.createGroup({ name: groupName("hall"), parent: undefined, audit: fixture.audit("g", "hall") });
    for (const name of ["c", "a", "b"]) {
      const audit = fixture.audit("thing.created", name);
      await fixture.store.createThing({ name: thingName(name), typeName: undefined, attributes: {}, audit });
      const membership = { group: groupName("hall"), thing: thingName(name), member: true, audit };
      if (name !== "a") await fixture.store.setGroupMembership(membership);
    }
    const first = await fixture.store.things({ limit: 2, cursor: undefined });
    const second = await fixture.store.things({ limit: 2, cursor: first.next });
    assert.deepEqual(
      [...first.items, ...second.items].map((thing) => thing.thingName),
      ["c", "a", "b"],
    );
    assert.equal(second.next, undefined);
    const inHall = await fixture.store.things({ limit: 9, cursor: undefined, group: groupName("hall") });
    assert.deepEqual(
      inHall.items.map((thing) => thing.thingName),
      ["c", "b"],
    );
    await refused(fixture.store.things({ limit: 2, cursor: "x y" }), "request_invalid");
  });

  it("retires a thing for good: its certificates are revoked, its name stays taken", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision("lamp");
    const before = await fixture.store.changes.latest();
    const retire = () => fixture.store.retireThing({ name: LAMP, audit: fixture.audit("thing.retired", "lamp") });
    await retire();
    const record = await fixture.store.certificate(certificate.certificateId);
    assert.deepEqual([record?.status, record?.statusReason], ["REVOKED", "retired"]);
    assert.equal((await fixture.store.thing(LAMP))?.status, "retired");
    const changes = (await fixture.store.changes.since(before)).map(({ kind, id }) => [kind, id]);
    assert.deepEqual(changes, [
      ["certificate", certificate.certificateId],
      ["thing", "lamp"],
    ]);
    await refused(retire(), "conflict");
    await refused(
      fixture.store.releaseThing({ name: LAMP, audit: fixture.audit("thing.released", "lamp") }),
      "conflict",
    );
    await refused(fixture.store.retireThing({ name: thingName("none"), audit: fixture.audit("x", "x") }), "not_found");
  });

  it("quarantines a thing and takes it back", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision("lamp");
    const set = (quarantined: boolean) =>
      fixture.store.quarantineThing({ name: LAMP, quarantined, audit: fixture.audit("thing.quarantined", "lamp") });
    await set(true);
    assert.equal((await fixture.store.connection(certificate.certificateId))?.quarantined, true);
    await set(false);
    assert.equal((await fixture.store.connection(certificate.certificateId))?.quarantined, false);
  });

  it("changes a certificate's status by the rules: pending only ends, revoked is final", async () => {
    const fixture = await Fixture.ready(make);
    const pending = await fixture.pending();
    const set = (status: "ACTIVE" | "INACTIVE" | "REVOKED", id = pending.certificate.certificateId) =>
      fixture.store.setCertificateStatus({ id, status, reason: "operator", audit: fixture.audit("certificate", id) });
    await refused(set("ACTIVE"), "conflict");
    await refused(set("INACTIVE"), "conflict");
    await set("REVOKED");
    assert.equal((await fixture.store.claim(CLAIM))?.pending, 0);
    await refused(set("ACTIVE"), "conflict");
    const { certificate } = await fixture.provision("lamp");
    await set("INACTIVE", certificate.certificateId);
    const inactive = await fixture.store.certificate(certificate.certificateId);
    assert.deepEqual([inactive?.status, inactive?.statusReason], ["INACTIVE", "operator"]);
    await set("ACTIVE", certificate.certificateId);
    const active = await fixture.store.certificate(certificate.certificateId);
    assert.deepEqual([active?.status, active?.statusReason], ["ACTIVE", undefined]);
    await set("REVOKED", certificate.certificateId);
    await refused(set("REVOKED", certificate.certificateId), "conflict");
    await refused(set("REVOKED", "00".repeat(32) as typeof certificate.certificateId), "not_found");
  });

  it("keeps the newest versions of a policy; the same document changes nothing", async () => {
    const fixture = await Fixture.open(make);
    assert.deepEqual(await fixture.applyPolicy(POLICY, "1"), { version: 1, changed: true });
    const entries = await fixture.store.entryCount();
    assert.deepEqual(await fixture.applyPolicy(POLICY, "1"), { version: 1, changed: false });
    assert.equal(await fixture.store.entryCount(), entries);
    for (const document of ["2", "3", "4", "5", "6", "7"]) await fixture.applyPolicy(POLICY, document);
    const policy = await fixture.store.policy(POLICY);
    assert.equal(policy?.defaultVersion, 7);
    assert.deepEqual(
      policy?.versions.map((version) => version.version),
      [3, 4, 5, 6, 7],
    );
    assert.deepEqual(
      (await fixture.store.policies()).map((row) => row.policyName),
      [POLICY],
    );
    assert.equal(await fixture.store.policy(policyName("none")), undefined);
  });

  it("attaches and detaches policies on things, groups and certificates, and a connection has all of them", async () => {
    const fixture = await Fixture.ready(make);
    const { certificate } = await fixture.provision("lamp", { request: {} });
    const targets: readonly [string, PolicyTarget][] = [
      ["on-thing", { kind: "thing", id: LAMP }],
      ["on-group", { kind: "group", id: groupName("hall") }],
      ["on-parent", { kind: "group", id: groupName("house") }],
      ["on-certificate", { kind: "certificate", id: certificate.certificateId }],
    ];
    const group = (name: string, parent?: string) =>
      fixture.store.createGroup({
        name: groupName(name),
        parent: parent === undefined ? undefined : groupName(parent),
        audit: fixture.audit("group.created", name),
      });
    await refused(group("hall", "house"), "not_found");
    await group("house");
    await group("hall", "house");
    await refused(group("hall"), "already_exists");
    const audit = fixture.audit("group.membership-changed", "hall");
    await fixture.store.setGroupMembership({ group: groupName("hall"), thing: LAMP, member: true, audit });
    for (const [name, target] of targets) {
      await fixture.applyPolicy(policyName(name), name);
      await fixture.store.attachPolicy({ name: policyName(name), target, audit });
      await fixture.store.attachPolicy({ name: policyName(name), target, audit });
    }
    const connection = await fixture.store.connection(certificate.certificateId);
    assert.deepEqual(
      connection?.policies.map((policy) => policy.name).sort(),
      [POLICY, ...targets.map(([name]) => name)].sort(),
    );
    assert.deepEqual(connection?.thing, { name: LAMP, typeName: undefined, attributes: {} });
    assert.deepEqual(
      (await fixture.store.groups()).map(({ name, parent, policies }) => [name, parent, policies]),
      [
        ["hall", "house", ["on-group"]],
        ["house", undefined, ["on-parent"]],
      ],
    );
    for (const [name, target] of targets) {
      await fixture.store.detachPolicy({ name: policyName(name), target, audit });
      await refused(fixture.store.detachPolicy({ name: policyName(name), target, audit }), "not_found");
    }
    assert.deepEqual((await fixture.store.connection(certificate.certificateId))?.policies.length, 1);
    await refused(
      fixture.store.attachPolicy({ name: policyName("none"), target: { kind: "thing", id: LAMP }, audit }),
      "not_found",
    );
    const nobody: PolicyTarget = { kind: "thing", id: thingName("none") };
    await refused(fixture.store.attachPolicy({ name: POLICY, target: nobody, audit }), "not_found");
  });

  it("reads everything that decides a claim's connection", async () => {
    const fixture = await Fixture.ready(make);
    const connection = await fixture.store.connection(fixture.claimCertificateId);
    assert.equal(connection?.claim?.claimId, CLAIM);
    assert.equal(connection?.certificate.profile, "claim");
    assert.deepEqual([connection?.policies, connection?.thing], [[], undefined]);
    assert.equal("der" in (connection?.certificate ?? {}), false);
    assert.equal(await fixture.store.connection("00".repeat(32) as typeof fixture.claimCertificateId), undefined);
  });
}

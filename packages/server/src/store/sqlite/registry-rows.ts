import type { PolicyRecord } from "../../registry/ports.ts";
import type { GroupName, PolicyName, ThingName, ThingTypeName } from "../../vocabulary/ids.ts";
import type { GroupRow, PolicyRow, RegistryRows, TargetRow, ThingRow } from "../rows.ts";
import { orNull, orUndefined, type Sql } from "./sql.ts";

interface SqlThing {
  id: number;
  name: ThingName;
  type: ThingTypeName | null;
  billing_group: string | null;
  status: "active" | "retired";
  quarantined: number;
  released: number;
  created_at: number;
  attributes: string;
}

const THING_COLUMNS =
  "t.id, t.name, t.type, t.billing_group, t.status, t.quarantined, t.released, t.created_at, t.attributes";

export function registryRows(sql: Sql): RegistryRows {
  return {
    ...things(sql),
    ...thingsOfClaim(sql),
    ...types(sql),
    ...groups(sql),
    ...policies(sql),
    ...attachments(sql),
  };
}

function things(sql: Sql): Pick<RegistryRows, "thing" | "thingByRow" | "things" | "insertThing" | "updateThing"> {
  const byName = sql.records(`SELECT ${THING_COLUMNS} FROM things t WHERE t.name = ?`, thingOf);
  const byRow = sql.records(`SELECT ${THING_COLUMNS} FROM things t WHERE t.id = ?`, thingOf);
  const all = sql.records(`SELECT ${THING_COLUMNS} FROM things t WHERE t.id > ? ORDER BY t.id LIMIT ?`, thingOf);
  const inGroup = sql.records(
    `SELECT ${THING_COLUMNS} FROM members m JOIN things t ON t.id = m.thing
    WHERE m.thing_group = ? AND m.thing > ? ORDER BY m.thing LIMIT ?`,
    thingOf,
  );
  const insert =
    sql.command(`INSERT INTO things (name, type, billing_group, status, quarantined, released, created_at, attributes)
    VALUES (?, ?, ?, 'active', 0, 0, ?, ?)`);
  const update =
    sql.command(`UPDATE things SET type = ?2, billing_group = ?3, status = ?4, quarantined = ?5, released = ?6,
    attributes = ?7 WHERE id = ?1`);
  return {
    thing: (name) => byName.get(name),
    thingByRow: (row) => byRow.get(row),
    things: ({ after, limit, group }) =>
      group === undefined ? all.all(after ?? 0, limit) : inGroup.all(group, after ?? 0, limit),
    insertThing: (thing) =>
      insert.insert(
        thing.thingName,
        orNull(thing.typeName),
        orNull(thing.billingGroup),
        thing.createdAtMs,
        JSON.stringify(thing.attributes),
      ),
    updateThing: (thing) =>
      void update.run(
        thing.id,
        orNull(thing.typeName),
        orNull(thing.billingGroup),
        thing.status,
        Number(thing.quarantined),
        Number(thing.released),
        JSON.stringify(thing.attributes),
      ),
  };
}

function thingOf(row: SqlThing): ThingRow {
  return {
    id: row.id,
    thingName: row.name,
    typeName: orUndefined(row.type),
    billingGroup: orUndefined(row.billing_group),
    attributes: JSON.parse(row.attributes),
    status: row.status,
    quarantined: row.quarantined === 1,
    released: row.released === 1,
    createdAtMs: row.created_at,
  };
}

function thingsOfClaim(sql: Sql): Pick<RegistryRows, "thingsOfClaim"> {
  // A thing with several certificates from the claim stands where its newest is.
  const list = sql.query<SqlThing & { certificate: number }>(`SELECT c.id AS certificate, ${THING_COLUMNS}
    FROM certificates c JOIN things t ON t.id = c.thing WHERE c.claim = ? AND c.id > ? AND NOT EXISTS
    (SELECT 1 FROM certificates n WHERE n.thing = c.thing AND n.claim = c.claim AND n.id > c.id) ORDER BY c.id LIMIT ?`);
  return {
    thingsOfClaim: (claim, { after, limit }) =>
      list.all(claim, after ?? 0, limit).map((row) => ({ row: row.certificate, thing: thingOf(row) })),
  };
}

function types(sql: Sql): Pick<RegistryRows, "typeExists" | "insertType" | "types"> {
  const exists = sql.query<{ id: number }>("SELECT id FROM thing_types WHERE name = ?");
  const insert = sql.command("INSERT INTO thing_types (name) VALUES (?)");
  const list = sql.query<{ name: ThingTypeName }>("SELECT name FROM thing_types ORDER BY name");
  return {
    typeExists: (name) => exists.get(name) !== undefined,
    insertType: (name) => void insert.run(name),
    types: () => list.all().map((row) => row.name),
  };
}

interface SqlGroup {
  id: number;
  name: GroupName;
  parent: number | null;
}

type Groups = "group" | "groupByRow" | "insertGroup" | "groups" | "groupsOf" | "addMember" | "removeMember";

function groups(sql: Sql): Pick<RegistryRows, Groups> {
  const byName = sql.records("SELECT id, name, parent FROM thing_groups WHERE name = ?", groupOf);
  const byRow = sql.records("SELECT id, name, parent FROM thing_groups WHERE id = ?", groupOf);
  const list = sql.records("SELECT id, name, parent FROM thing_groups ORDER BY name", groupOf);
  const ofThing = sql.records(
    `SELECT g.id, g.name, g.parent FROM members m JOIN thing_groups g ON g.id = m.thing_group
    WHERE m.thing = ? ORDER BY g.name`,
    groupOf,
  );
  const insert = sql.command("INSERT INTO thing_groups (name, parent) VALUES (?, ?)");
  const add = sql.command("INSERT OR IGNORE INTO members (thing_group, thing) VALUES (?, ?)");
  const remove = sql.command("DELETE FROM members WHERE thing_group = ? AND thing = ?");
  return {
    group: (name) => byName.get(name),
    groupByRow: (row) => byRow.get(row),
    insertGroup: (name, parent) => void insert.run(name, orNull(parent)),
    groups: () => list.all(),
    groupsOf: (thing) => ofThing.all(thing),
    addMember: (group, thing) => void add.run(group, thing),
    removeMember: (group, thing) => void remove.run(group, thing),
  };
}

function groupOf(row: SqlGroup): GroupRow {
  return { id: row.id, name: row.name, parent: orUndefined(row.parent) };
}

interface SqlPolicy {
  id: number;
  name: PolicyName;
  default_version: number;
}

type Policies =
  | "policyRow"
  | "policy"
  | "policyNames"
  | "policyDocument"
  | "insertPolicy"
  | "insertPolicyVersion"
  | "deletePolicyVersion"
  | "setPolicyDefault";

function policies(sql: Sql): Pick<RegistryRows, Policies> {
  const byName = sql.records("SELECT id, name, default_version FROM policies WHERE name = ?", policyOf);
  const names = sql.query<{ name: PolicyName }>("SELECT name FROM policies ORDER BY name");
  const versions = sql.query<{ version: number; created_at: number; document: string }>(
    "SELECT version, created_at, document FROM policy_versions WHERE policy = ? ORDER BY version",
  );
  const document = sql.query<{ document: string }>(
    "SELECT document FROM policy_versions WHERE policy = ? AND version = ?",
  );
  const insert = sql.command("INSERT INTO policies (name, default_version) VALUES (?, 1)");
  const insertVersion = sql.command(
    "INSERT INTO policy_versions (policy, version, created_at, document) VALUES (?, ?, ?, ?)",
  );
  const deleteVersion = sql.command("DELETE FROM policy_versions WHERE policy = ? AND version = ?");
  const setDefault = sql.command("UPDATE policies SET default_version = ?2 WHERE id = ?1");
  const record = (row: PolicyRow): PolicyRecord => ({
    policyName: row.name,
    defaultVersion: row.defaultVersion,
    versions: versions
      .all(row.id)
      .map((kept) => ({ version: kept.version, createdAtMs: kept.created_at, document: kept.document })),
  });
  return {
    policyRow: (name) => byName.get(name),
    policy(name) {
      const row = byName.get(name);
      return row && record(row);
    },
    policyNames: () => names.all().map((row) => row.name),
    policyDocument: (policy, version) => document.get(policy, version)?.document ?? "",
    insertPolicy: (name) => insert.insert(name),
    insertPolicyVersion: (policy, version, atMs, text) => void insertVersion.run(policy, version, atMs, text),
    deletePolicyVersion: (policy, version) => void deleteVersion.run(policy, version),
    setPolicyDefault: (policy, version) => void setDefault.run(policy, version),
  };
}

function policyOf(row: SqlPolicy): PolicyRow {
  return { id: row.id, name: row.name, defaultVersion: row.default_version };
}

/** The table and column that keep what hangs on a kind of target. */
const TARGETS: Readonly<Record<TargetRow["kind"], readonly [table: string, column: string]>> = {
  thing: ["thing_policies", "thing"],
  group: ["group_policies", "thing_group"],
  certificate: ["certificate_policies", "certificate"],
};

function attachments(sql: Sql): Pick<RegistryRows, "attach" | "detach" | "attached"> {
  const by = {
    thing: attachmentsOf(sql, "thing"),
    group: attachmentsOf(sql, "group"),
    certificate: attachmentsOf(sql, "certificate"),
  };
  return {
    attach: (policy, { kind, row }) => by[kind].attach.run(row, policy) === 1,
    detach: (policy, { kind, row }) => by[kind].detach.run(row, policy) === 1,
    attached: ({ kind, row }) => by[kind].list.all(row),
  };
}

function attachmentsOf(sql: Sql, kind: TargetRow["kind"]) {
  const [table, column] = TARGETS[kind];
  return {
    attach: sql.command(`INSERT OR IGNORE INTO ${table} (${column}, policy) VALUES (?, ?)`),
    detach: sql.command(`DELETE FROM ${table} WHERE ${column} = ? AND policy = ?`),
    list: sql.records(
      `SELECT p.id, p.name, p.default_version FROM ${table} a JOIN policies p ON p.id = a.policy
      WHERE a.${column} = ? ORDER BY p.name`,
      policyOf,
    ),
  };
}

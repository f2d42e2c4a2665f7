import type { PolicyRecord } from "../../registry/ports.ts";
import type { GroupName, PolicyName, ThingName, ThingTypeName } from "../../vocabulary/ids.ts";
import type { GroupRow, LedgerRows, PolicyRow, RegistryRows, TargetRow, ThingRow } from "../rows.ts";
import { Table, type UndoLog, UndoMap } from "./undo.ts";

type Version = PolicyRecord["versions"][number];

export function registryRows(log: UndoLog, ledger: () => LedgerRows): RegistryRows {
  const members = new UndoMap<string, { readonly group: number; readonly thing: number }>(log);
  const groupTable = new Table<GroupRow>(log);
  const thingTable = new Table<ThingRow>(log);
  return {
    ...things(log, thingTable, members),
    ...thingsOfClaim(thingTable, ledger),
    ...types(log),
    ...groups(log, groupTable, members),
    ...policies(log),
  };
}

type Members = UndoMap<string, { readonly group: number; readonly thing: number }>;
type Things = "thing" | "thingByRow" | "things" | "insertThing" | "updateThing";

function things(log: UndoLog, table: Table<ThingRow>, members: Members): Pick<RegistryRows, Things> {
  const byName = new UndoMap<ThingName, number>(log);
  return {
    thing: (name) => table.get(byName.get(name) ?? 0),
    thingByRow: (row) => table.get(row),
    things: ({ after, limit, group }) =>
      table
        .rows()
        .filter(({ id }) => id > (after ?? 0) && (group === undefined || members.has(`${group} ${id}`)))
        .slice(0, limit),
    insertThing(thing) {
      const id = table.insert({ ...thing, status: "active", quarantined: false, released: false });
      byName.set(thing.thingName, id);
      return id;
    },
    updateThing: (thing) => table.update(thing.id, thing),
  };
}

function thingsOfClaim(table: Table<ThingRow>, ledger: () => LedgerRows): Pick<RegistryRows, "thingsOfClaim"> {
  return {
    thingsOfClaim(claim, { after, limit }) {
      const born = ledger().certificates({ claim, after: undefined, limit: Number.POSITIVE_INFINITY });
      // A thing with several certificates from the claim stands where its newest is.
      const newest = new Map<number, number>();
      for (const { id, thing } of born) if (thing !== undefined) newest.set(thing, id);
      return [...newest]
        .map(([thing, row]) => ({ row, thing: table.get(thing) as ThingRow }))
        .filter(({ row }) => row > (after ?? 0))
        .sort((one, other) => one.row - other.row)
        .slice(0, limit);
    },
  };
}

function types(log: UndoLog): Pick<RegistryRows, "typeExists" | "insertType" | "types"> {
  const names = new UndoMap<ThingTypeName, true>(log);
  return {
    typeExists: (name) => names.has(name),
    insertType: (name) => names.set(name, true),
    types: () => names.keys().sort(),
  };
}

type Groups = "group" | "groupByRow" | "insertGroup" | "groups" | "groupsOf" | "addMember" | "removeMember";

function groups(log: UndoLog, table: Table<GroupRow>, members: Members): Pick<RegistryRows, Groups> {
  const byName = new UndoMap<GroupName, number>(log);
  const sorted = () => table.rows().sort((one, other) => (one.name < other.name ? -1 : 1));
  return {
    group: (name) => table.get(byName.get(name) ?? 0),
    groupByRow: (row) => table.get(row),
    insertGroup: (name, parent) => byName.set(name, table.insert({ name, parent })),
    groups: sorted,
    groupsOf: (thing) => sorted().filter(({ id }) => members.has(`${id} ${thing}`)),
    addMember: (group, thing) => members.set(`${group} ${thing}`, { group, thing }),
    removeMember: (group, thing) => void members.delete(`${group} ${thing}`),
  };
}

type Policies = Exclude<keyof RegistryRows, Things | Groups | "thingsOfClaim" | "typeExists" | "insertType" | "types">;

function policies(log: UndoLog): Pick<RegistryRows, Policies> {
  const table = new Table<PolicyRow>(log);
  const byName = new UndoMap<PolicyName, number>(log);
  const versions = new UndoMap<number, readonly Version[]>(log);
  const attached = new UndoMap<string, readonly number[]>(log);
  const versionsOf = (policy: number) => versions.get(policy) ?? [];
  const attachedTo = ({ kind, row }: TargetRow) => attached.get(`${kind} ${row}`) ?? [];
  return {
    policyRow: (name) => table.get(byName.get(name) ?? 0),
    policy(name) {
      const row = table.get(byName.get(name) ?? 0);
      return row && { policyName: name, defaultVersion: row.defaultVersion, versions: versionsOf(row.id) };
    },
    policyNames: () => byName.keys().sort(),
    policyDocument: (policy, version) => versionsOf(policy).find((kept) => kept.version === version)?.document ?? "",
    insertPolicy(name) {
      const id = table.insert({ name, defaultVersion: 1 });
      byName.set(name, id);
      return id;
    },
    insertPolicyVersion: (policy, version, createdAtMs, document) =>
      versions.set(policy, [...versionsOf(policy), { version, createdAtMs, document }]),
    deletePolicyVersion: (policy, version) =>
      versions.set(
        policy,
        versionsOf(policy).filter((kept) => kept.version !== version),
      ),
    setPolicyDefault: (policy, defaultVersion) => table.update(policy, { defaultVersion }),
    attach(policy, target) {
      if (attachedTo(target).includes(policy)) return false;
      attached.set(`${target.kind} ${target.row}`, [...attachedTo(target), policy]);
      return true;
    },
    detach(policy, target) {
      if (!attachedTo(target).includes(policy)) return false;
      attached.set(
        `${target.kind} ${target.row}`,
        attachedTo(target).filter((row) => row !== policy),
      );
      return true;
    },
    attached: (target) =>
      attachedTo(target)
        .map((row) => table.get(row) as PolicyRow)
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

import type { RedeemRequest } from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { PlannedThing } from "../../templates/plan.ts";
import type { GroupName, ThingTypeName } from "../../vocabulary/ids.ts";
import { applyToExisting } from "../apply-plan.ts";
import { decideExistingThing } from "../conditions.ts";
import type { GroupRow, RowId, Rows, ThingRow } from "../rows.ts";

/** A thing holds few certificates at a time; of a long history the newest decide. */
const CERTIFICATES_LOOKED_AT = 1000;

/** Creates or updates the planned thing and returns its row. */
export function applyThing(rows: Rows, planned: PlannedThing, request: RedeemRequest, written: string[]): RowId {
  const thing = rows.thing(planned.name);
  return thing === undefined
    ? create(rows, planned, request.nowMs, written)
    : update(rows, thing, { planned, request, written });
}

function create(rows: Rows, planned: PlannedThing, createdAtMs: number, written: string[]): RowId {
  checkType(rows, planned.typeName);
  const groups = planned.groups.map((name) => requireGroup(rows, name));
  const { name: thingName, typeName, billingGroup, attributes } = planned;
  const id = rows.insertThing({ thingName, typeName, billingGroup, attributes, createdAtMs });
  written.push(`thing ${thingName} created`);
  for (const group of groups) join(rows, group, id, written);
  return id;
}

interface Update {
  readonly planned: PlannedThing;
  readonly request: RedeemRequest;
  readonly written: string[];
}

function update(rows: Rows, thing: ThingRow, { planned, request, written }: Update): RowId {
  const certificates = rows.certificates({ thing: thing.id, after: undefined, limit: CERTIFICATES_LOOKED_AT });
  const { superseded, consumesRelease } = decideExistingThing(thing, certificates, request);
  const present = rows.groupsOf(thing.id);
  const outcome = applyToExisting(
    thing,
    present.map((group) => group.name),
    planned,
  );
  if (outcome.typeName !== thing.typeName) checkType(rows, outcome.typeName);
  for (const certificate of superseded) {
    rows.setCertificateStatus(certificate.id, "REVOKED", "superseded");
    rows.insertChange("certificate", certificate.certificateId);
    written.push(`certificate ${certificate.certificateId} REVOKED`);
  }
  const { attributes, typeName, billingGroup } = outcome;
  rows.updateThing({ ...thing, attributes, typeName, billingGroup, released: thing.released && !consumesRelease });
  setGroups(rows, thing.id, { present, wanted: outcome.groups, written });
  rows.insertChange("thing", thing.thingName);
  written.push(`thing ${thing.thingName} updated`);
  return thing.id;
}

function setGroups(
  rows: Rows,
  thing: RowId,
  groups: { readonly present: readonly GroupRow[]; readonly wanted: readonly GroupName[]; readonly written: string[] },
): void {
  const wanted = new Set(groups.wanted);
  for (const group of groups.present) {
    if (wanted.delete(group.name)) continue;
    rows.removeMember(group.id, thing);
    groups.written.push(`left ${group.name}`);
  }
  for (const name of wanted) join(rows, requireGroup(rows, name), thing, groups.written);
}

function join(rows: Rows, group: GroupRow, thing: RowId, written: string[]): void {
  rows.addMember(group.id, thing);
  written.push(`member of ${group.name}`);
}

function checkType(rows: Rows, name: ThingTypeName | undefined): void {
  if (name === undefined || rows.typeExists(name)) return;
  throw new Fault("thing_type_unknown", `The template names the thing type ${name}, which does not exist.`);
}

function requireGroup(rows: Rows, name: GroupName): GroupRow {
  const group = rows.group(name);
  if (group === undefined)
    throw new Fault("group_unknown", `The template names the group ${name}, which does not exist.`);
  return group;
}

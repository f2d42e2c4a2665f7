import { Fault } from "../../kit/fault.ts";
import type { RegistryStore, ThingRecord } from "../../registry/ports.ts";
import type { CertificateRow, Rows, ThingRow } from "../rows.ts";
import { endPending } from "./issuance.ts";
import { appendAudit, found } from "./record.ts";

type Request<Name extends keyof RegistryStore> = Parameters<RegistryStore[Name]>[0] & object;

/** What a thing's record shows of its certificates: the newest. */
const CERTIFICATES_SHOWN = 100;

export function thingRecord(rows: Rows, thing: ThingRow): ThingRecord {
  const { id, ...record } = thing;
  const certificates = rows.certificates({ thing: id, after: undefined, limit: CERTIFICATES_SHOWN });
  return {
    ...record,
    groups: rows.groupsOf(id).map((group) => group.name),
    policies: rows.attached({ kind: "thing", row: id }).map((policy) => policy.name),
    certificates: certificates.map(({ certificateId, status, notAfterMs }) => ({ certificateId, status, notAfterMs })),
  };
}

export function createThing(rows: Rows, request: Request<"createThing">): void {
  const { name, typeName, attributes, audit } = request;
  if (rows.thing(name) !== undefined) throw new Fault("already_exists", `The thing ${name} exists already.`);
  if (typeName !== undefined && !rows.typeExists(typeName)) {
    throw new Fault("not_found", `There is no thing type ${typeName}.`);
  }
  rows.insertThing({ thingName: name, typeName, billingGroup: undefined, attributes, createdAtMs: audit.atMs });
  appendAudit(rows, audit);
}

export function retireThing(rows: Rows, request: Request<"retireThing">): void {
  const thing = activeThing(rows, request.name);
  for (const certificate of certificatesOf(rows, thing)) retire(rows, certificate);
  rows.updateThing({ ...thing, status: "retired", released: false });
  appendAudit(rows, request.audit);
  rows.insertChange("thing", thing.thingName);
}

function* certificatesOf(rows: Rows, thing: ThingRow): Generator<CertificateRow> {
  let after: number | undefined;
  for (;;) {
    const slice = rows.certificates({ thing: thing.id, after, limit: CERTIFICATES_SHOWN });
    yield* slice;
    after = slice.at(-1)?.id;
    if (slice.length < CERTIFICATES_SHOWN) return;
  }
}

function retire(rows: Rows, certificate: CertificateRow): void {
  if (certificate.status === "REVOKED") return;
  if (certificate.status === "PENDING_ACTIVATION") endPending(rows, certificate, "retired");
  else rows.setCertificateStatus(certificate.id, "REVOKED", "retired");
  rows.insertChange("certificate", certificate.certificateId);
}

export function releaseThing(rows: Rows, request: Request<"releaseThing">): void {
  const thing = activeThing(rows, request.name);
  rows.updateThing({ ...thing, released: true });
  appendAudit(rows, request.audit);
}

export function quarantineThing(rows: Rows, request: Request<"quarantineThing">): void {
  const thing = found(rows.thing(request.name), "thing", request.name);
  rows.updateThing({ ...thing, quarantined: request.quarantined });
  appendAudit(rows, request.audit);
  rows.insertChange("thing", thing.thingName);
}

function activeThing(rows: Rows, name: ThingRow["thingName"]): ThingRow {
  const thing = found(rows.thing(name), "thing", name);
  if (thing.status === "retired") throw new Fault("conflict", `The thing ${name} is retired, which is final.`);
  return thing;
}

export function createType(rows: Rows, request: Request<"createType">): void {
  if (rows.typeExists(request.name)) {
    throw new Fault("already_exists", `The thing type ${request.name} exists already.`);
  }
  rows.insertType(request.name);
  appendAudit(rows, request.audit);
}

export function createGroup(rows: Rows, request: Request<"createGroup">): void {
  const { name, parent } = request;
  if (rows.group(name) !== undefined) throw new Fault("already_exists", `The group ${name} exists already.`);
  const parentRow = parent === undefined ? undefined : found(rows.group(parent), "group", parent);
  rows.insertGroup(name, parentRow?.id);
  appendAudit(rows, request.audit);
}

export function groups(rows: Rows): Awaited<ReturnType<RegistryStore["groups"]>> {
  return rows.groups().map((group) => ({
    name: group.name,
    parent: group.parent === undefined ? undefined : rows.groupByRow(group.parent)?.name,
    policies: rows.attached({ kind: "group", row: group.id }).map((policy) => policy.name),
  }));
}

export function setGroupMembership(rows: Rows, request: Request<"setGroupMembership">): void {
  const group = found(rows.group(request.group), "group", request.group);
  const thing = found(rows.thing(request.thing), "thing", request.thing);
  const isMember = rows.groupsOf(thing.id).some((row) => row.id === group.id);
  if (isMember === request.member) return;
  if (request.member) rows.addMember(group.id, thing.id);
  else rows.removeMember(group.id, thing.id);
  appendAudit(rows, request.audit);
  rows.insertChange("thing", thing.thingName);
}

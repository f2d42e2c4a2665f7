// What is read: one record by its name, or a page of them. A page's cursor is opaque to its reader.
import type { ClaimUsage } from "../../audit/ports.ts";
import type {
  AttemptRecord,
  AttemptStore,
  ClaimRecord,
  EventRecord,
  ExpectedDevice,
  TemplateRecord,
} from "../../enrollment/ports.ts";
import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import type {
  CertificateRecord,
  Page,
  PageRequest,
  PolicyRecord,
  RegistryStore,
  ThingRecord,
} from "../../registry/ports.ts";
import type { CertificateId, ClaimId, ThingName } from "../../vocabulary/ids.ts";
import type { Rows, Slice } from "../rows.ts";
import { certificateRecord } from "./certificates.ts";
import { claimRecord } from "./claims.ts";
import { found, requireClaim } from "./record.ts";
import { thingRecord } from "./things.ts";

export function claim(rows: Rows, id: ClaimId): ClaimRecord | undefined {
  const row = rows.claim(id);
  return row && claimRecord(rows, row);
}

export function thing(rows: Rows, name: ThingName): ThingRecord | undefined {
  const row = rows.thing(name);
  return row && thingRecord(rows, row);
}

export function certificate(rows: Rows, id: CertificateId): CertificateRecord | undefined {
  const row = rows.certificate(id);
  return row && certificateRecord(rows, row);
}

/** In order of creation; those of a claim in the order in which they were born from it. */
export function things(rows: Rows, request: Parameters<RegistryStore["things"]>[0]): Page<ThingRecord> {
  const slice = sliceOf(request);
  if (request.claimId !== undefined) {
    const born = rows.thingsOfClaim(requireClaim(rows, request.claimId).id, slice);
    const inGroup = born.filter(({ thing: { id } }) => isMember(rows, id, request.group));
    return {
      items: inGroup.map((item) => thingRecord(rows, item.thing)),
      next: nextCursor(born, slice, (item) => item.row),
    };
  }
  const group = request.group === undefined ? undefined : found(rows.group(request.group), "group", request.group);
  const page = rows.things(group === undefined ? slice : { ...slice, group: group.id });
  return { items: page.map((row) => thingRecord(rows, row)), next: nextCursor(page, slice, (row) => row.id) };
}

function isMember(rows: Rows, thingRow: number, group: string | undefined): boolean {
  return group === undefined || rows.groupsOf(thingRow).some((row) => row.name === group);
}

export function certificates(
  rows: Rows,
  request: Parameters<RegistryStore["certificates"]>[0],
): Page<CertificateRecord> {
  const slice = sliceOf(request);
  const claimRow = request.claimId === undefined ? {} : { claim: requireClaim(rows, request.claimId).id };
  const thingRow =
    request.thingName === undefined
      ? {}
      : { thing: found(rows.thing(request.thingName), "thing", request.thingName).id };
  const page = rows.certificates({ ...slice, ...claimRow, ...thingRow });
  return { items: page.map((row) => certificateRecord(rows, row)), next: nextCursor(page, slice, (row) => row.id) };
}

export function policies(rows: Rows): readonly PolicyRecord[] {
  return rows.policyNames().map((name) => found(rows.policy(name), "policy", name));
}

export function templates(rows: Rows): readonly TemplateRecord[] {
  return rows.templateNames().map((name) => found(rows.template(name), "template", name));
}

export function expectedDevices(rows: Rows, claimId: ClaimId, page: PageRequest): Page<ExpectedDevice> {
  const limit = limitOf(page);
  const items = rows.expectedPage(requireClaim(rows, claimId).id, page.cursor, limit);
  return { items, next: items.length < limit ? undefined : items.at(-1)?.serialNumber };
}

export function attempts(rows: Rows, request: Parameters<AttemptStore["attempts"]>[0]): Page<AttemptRecord> {
  const { cursor: _cursor, ...filter } = request;
  const slice = sliceOf(request);
  const page = rows.attempts({ ...filter, ...slice });
  return { items: page.map((item) => item.attempt), next: nextCursor(page, slice, (item) => item.row) };
}

export function events(rows: Rows, request: PageRequest): Page<EventRecord> {
  const slice = sliceOf(request);
  const items = rows.events(slice);
  return { items, next: nextCursor(items, slice, (event) => event.sequence) };
}

/** Claims that may still issue: a checkpoint need not vouch for those that never will again. */
export function claimUsage(rows: Rows, nowMs: number): readonly ClaimUsage[] {
  const open = rows.allClaims().filter((row) => row.status !== "disabled" && row.notAfterMs > nowMs);
  return open.map(({ claimId, redeemed, status, quarantined }) =>
    status === "active" && !quarantined ? { claimId, redeemed } : { claimId, redeemed, closed: true },
  );
}

function sliceOf(page: PageRequest): Slice {
  const limit = limitOf(page);
  if (page.cursor === undefined) return { after: undefined, limit };
  const after = Number(page.cursor);
  if (!Number.isSafeInteger(after) || after < 0) {
    throw new Fault("request_invalid", "The cursor is not one that this list gave out.");
  }
  return { after, limit };
}

function limitOf(page: PageRequest): number {
  return Math.max(1, Math.min(page.limit, LIMITS.pageSize));
}

function nextCursor<Item>(items: readonly Item[], slice: Slice, rowOf: (item: Item) => number): string | undefined {
  const last = items.at(-1);
  return last === undefined || items.length < slice.limit ? undefined : String(rowOf(last));
}

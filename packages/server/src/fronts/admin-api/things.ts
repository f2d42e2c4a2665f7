import type { Group, Thing, ThingDetail } from "@fleetmint/wire/v1";
import {
  groupCreated,
  groupMembershipChanged,
  thingQuarantined,
  thingReleased,
  thingRetired,
  typeCreated,
} from "../../audit/events.ts";
import type { RegistryStore, ThingRecord } from "../../registry/ports.ts";
import type { ClaimId, GroupName, ThingName, ThingTypeName } from "../../vocabulary/ids.ts";
import { by } from "./by.ts";
import type { Call, Handlers } from "./handler.ts";
import type { AdminPorts } from "./ports.ts";
import { found, iso, pageView } from "./wire-values.ts";

export const thingHandlers = {
  async listThings(ports, { query }) {
    const page = await ports.registry.things({
      limit: query.limit,
      cursor: query.cursor,
      ...(query.group !== undefined && { group: query.group as GroupName }),
      ...(query.claimId !== undefined && { claimId: query.claimId as ClaimId }),
    });
    return pageView(page, thingView);
  },
  async getThing(ports, { params }) {
    const name = params.thingName as ThingName;
    return detailView(found(await ports.registry.thing(name), `thing "${name}"`));
  },
  async releaseThing(ports, { params, actor }) {
    const name = params.thingName as ThingName;
    await ports.registry.releaseThing({ name, audit: thingReleased({ ...by(ports, actor), thingName: name }) });
    return {};
  },
  async retireThing(ports, { params, actor }) {
    const name = params.thingName as ThingName;
    await ports.registry.retireThing({ name, audit: thingRetired({ ...by(ports, actor), thingName: name }) });
    return {};
  },
  async quarantineThing(ports, { params, body: { quarantined }, actor }) {
    const name = params.thingName as ThingName;
    const audit = thingQuarantined({ ...by(ports, actor), thingName: name, detail: { quarantined } });
    await ports.registry.quarantineThing({ name, quarantined, audit });
    return {};
  },
  async createThingType(ports, { body: { thingTypeName }, actor }) {
    const name = thingTypeName as ThingTypeName;
    await ports.registry.createType({ name, audit: typeCreated({ ...by(ports, actor), typeName: name }) });
    return { thingTypeName };
  },
  async listThingTypes(ports) {
    return { items: (await ports.registry.types()).map((thingTypeName) => ({ thingTypeName })) };
  },
  async createGroup(ports, { body: { groupName, parent }, actor }) {
    const name = groupName as GroupName;
    const audit = groupCreated({ ...by(ports, actor), groupName: name, detail: { parent } });
    await ports.registry.createGroup({ name, parent: parent as GroupName | undefined, audit });
    return { groupName, parent: parent ?? null, policies: [] };
  },
  async listGroups(ports) {
    return { items: (await ports.registry.groups()).map(groupView) };
  },
  addThingToGroup: (ports, call) => setMembership(ports, call, true),
  removeThingFromGroup: (ports, call) => setMembership(ports, call, false),
} satisfies Partial<Handlers>;

export function thingView(record: ThingRecord): Thing {
  return {
    thingName: record.thingName,
    thingType: record.typeName ?? null,
    groups: [...record.groups],
    attributes: { ...record.attributes },
    status: record.status === "active" && record.quarantined ? "quarantined" : record.status,
    certificates: record.certificates.map(({ certificateId, status, notAfterMs }) => ({
      certificateId,
      status,
      notAfter: iso(notAfterMs),
    })),
  };
}

function detailView(record: ThingRecord): ThingDetail {
  return {
    ...thingView(record),
    billingGroup: record.billingGroup ?? null,
    policies: [...record.policies],
    released: record.released,
    createdAt: iso(record.createdAtMs),
  };
}

function groupView({ name, parent, policies }: Awaited<ReturnType<RegistryStore["groups"]>>[number]): Group {
  return { groupName: name, parent: parent ?? null, policies: [...policies] };
}

async function setMembership(
  ports: AdminPorts,
  { params, actor }: Call<"addThingToGroup" | "removeThingFromGroup">,
  member: boolean,
) {
  const group = params.groupName as GroupName;
  const thing = params.thingName as ThingName;
  const audit = groupMembershipChanged({ ...by(ports, actor), groupName: group, detail: { thing, member } });
  await ports.registry.setGroupMembership({ group, thing, member, audit });
  return {};
}

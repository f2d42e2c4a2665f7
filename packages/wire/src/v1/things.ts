import { z } from "zod";
import {
  certificateSummary,
  claimId,
  done,
  groupName,
  list,
  page,
  pageQuery,
  policyName,
  thingName,
  thingTypeName,
  time,
} from "./common.ts";
import { operation } from "./operation.ts";

export const thing = z
  .object({
    thingName,
    thingType: thingTypeName.nullable(),
    groups: z.array(groupName),
    attributes: z.record(z.string(), z.string()),
    status: z.enum(["active", "quarantined", "retired"]).meta({
      description: "`quarantined`: under the restricted policy. `retired`: revoked for good, the name stays known.",
    }),
    certificates: z.array(certificateSummary),
  })
  .meta({ id: "Thing", description: "The record of a device." });

export const thingDetail = thing
  .extend({
    billingGroup: z.string().nullable(),
    policies: z.array(policyName).meta({ description: "Attached to the thing itself; its groups have their own." }),
    released: z
      .boolean()
      .meta({ description: "An operator allowed the next provisioning to replace its identity, once." }),
    createdAt: time,
  })
  .meta({ id: "ThingDetail", description: "A thing with everything that is known of it." });

export const group = z
  .object({ groupName, parent: groupName.nullable(), policies: z.array(policyName) })
  .meta({ id: "Group", description: "A static group of things; its policies hold for every member." });

const byName = z.strictObject({ thingName });
const membership = z.strictObject({ groupName, thingName });

export const thingOperations = {
  listThings: operation({
    method: "GET",
    path: "/v1/things",
    summary: "List things",
    description: "Things by name, a page at a time; of one group or born from one claim where asked.",
    query: pageQuery.extend({ group: groupName.optional(), claimId: claimId.optional() }),
    response: page(thing),
    errors: [],
  }),
  getThing: operation({
    method: "GET",
    path: "/v1/things/{thingName}",
    summary: "Show a thing",
    description: "One thing with its type, groups, attributes, policies and certificates.",
    params: byName,
    response: thingDetail,
    errors: ["not_found"],
  }),
  releaseThing: operation({
    method: "POST",
    path: "/v1/things/{thingName}/release",
    summary: "Let the next provisioning replace a thing's identity, once",
    description:
      "For a device that was reset: a template with existingThing `replace` may then bind a new certificate and end the old one in the same transaction. Refused for a retired thing.",
    params: byName,
    response: done,
    errors: ["not_found", "conflict"],
  }),
  retireThing: operation({
    method: "POST",
    path: "/v1/things/{thingName}/retire",
    summary: "Retire a thing for good",
    description:
      "Its certificates are revoked and its connections end within a second. The name stays known and cannot be provisioned again.",
    params: byName,
    response: done,
    errors: ["not_found", "conflict"],
  }),
  quarantineThing: operation({
    method: "PUT",
    path: "/v1/things/{thingName}/quarantine",
    summary: "Put a thing under the restricted policy, or lift that",
    description: "Holds at once, on live connections too. `quarantined: false` undoes it.",
    params: byName,
    body: z.strictObject({ quarantined: z.boolean() }),
    response: done,
    errors: ["not_found", "conflict"],
  }),
  createThingType: operation({
    method: "POST",
    path: "/v1/thing-types",
    summary: "Create a thing type",
    description: "Templates may then name it. A type is a name; nothing else hangs on it yet.",
    body: z.strictObject({ thingTypeName }),
    response: z.object({ thingTypeName }),
    status: 201,
    errors: ["already_exists"],
  }),
  listThingTypes: operation({
    method: "GET",
    path: "/v1/thing-types",
    summary: "List thing types",
    description: "All of them, by name.",
    response: list(z.object({ thingTypeName })),
    errors: [],
  }),
  createGroup: operation({
    method: "POST",
    path: "/v1/groups",
    summary: "Create a group",
    description: "A static group, inside another where `parent` is given.",
    body: z.strictObject({ groupName, parent: groupName.optional() }),
    response: group,
    status: 201,
    errors: ["already_exists", "not_found"],
  }),
  listGroups: operation({
    method: "GET",
    path: "/v1/groups",
    summary: "List groups",
    description: "All of them, by name, with their policies.",
    response: list(group),
    errors: [],
  }),
  addThingToGroup: operation({
    method: "PUT",
    path: "/v1/groups/{groupName}/things/{thingName}",
    summary: "Add a thing to a group",
    description: "The group's policies hold for it at once. Nothing changes if it is a member already.",
    params: membership,
    response: done,
    errors: ["not_found"],
  }),
  removeThingFromGroup: operation({
    method: "DELETE",
    path: "/v1/groups/{groupName}/things/{thingName}",
    summary: "Take a thing out of a group",
    description: "The group's policies end for it at once. Nothing changes if it is no member.",
    params: membership,
    response: done,
    errors: ["not_found"],
  }),
};

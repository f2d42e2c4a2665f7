import { z } from "zod";
import { certificateId, done, groupName, list, policyName, thingName, time } from "./common.ts";
import { operation } from "./operation.ts";

/** A policy document's text. */
const document = z
  .string()
  .min(2)
  .max(16_384)
  .meta({ description: "The policy document as text (AWS IoT's JSON), at most 16,384 characters; kept verbatim." });

export const policy = z
  .object({
    policyName,
    defaultVersion: z.int(),
    createdAt: time.meta({ description: "When the default version was made." }),
  })
  .meta({ id: "Policy", description: "A policy: who may connect, publish, subscribe and receive where." });

const target = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("thing"), id: thingName }),
    z.strictObject({ kind: z.literal("group"), id: groupName }),
    z.strictObject({ kind: z.literal("certificate"), id: certificateId }),
  ])
  .meta({ id: "PolicyTarget", description: "What a policy is attached to." });

const byPolicy = z.strictObject({ policyName });

export const policyOperations = {
  applyPolicy: operation({
    method: "PUT",
    path: "/v1/policies/{policyName}",
    summary: "Create a policy or give it a new default version",
    description:
      "Holds at once, on live connections too. The same document again changes nothing; five versions are kept.",
    params: byPolicy,
    body: z.strictObject({ document }),
    response: z.object({ policyName, version: z.int(), changed: z.boolean() }),
    errors: ["policy_invalid", "limit_reached"],
  }),
  listPolicies: operation({
    method: "GET",
    path: "/v1/policies",
    summary: "List policies",
    description: "All of them, by name.",
    response: list(policy),
    errors: [],
  }),
  getPolicy: operation({
    method: "GET",
    path: "/v1/policies/{policyName}",
    summary: "Show a policy",
    description: "With the documents of its versions, newest first, byte for byte as they were applied.",
    params: byPolicy,
    response: policy
      .extend({
        versions: z.array(z.object({ version: z.int(), default: z.boolean(), createdAt: time, document: z.string() })),
      })
      .meta({ id: "PolicyDetail" }),
    errors: ["not_found"],
  }),
  attachPolicy: operation({
    method: "POST",
    path: "/v1/policies/{policyName}/attach",
    summary: "Attach a policy to a thing, a group or a certificate",
    description: "Holds at once. Nothing changes if it is attached already.",
    params: byPolicy,
    body: z.strictObject({ target }),
    response: done,
    errors: ["not_found", "limit_reached"],
  }),
  detachPolicy: operation({
    method: "POST",
    path: "/v1/policies/{policyName}/detach",
    summary: "Detach a policy from a thing, a group or a certificate",
    description: "Ends at once. Nothing changes if it is not attached.",
    params: byPolicy,
    body: z.strictObject({ target }),
    response: done,
    errors: ["not_found"],
  }),
};

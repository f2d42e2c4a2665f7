import { z } from "zod";
import { groupName, list, policyName, reasonCode, templateName, thingName, thingTypeName, time } from "./common.ts";
import { operation } from "./operation.ts";

/** AWS's limit for a template's body. */
export const TEMPLATE_CHARACTERS = 10_240;
/** A handler's source is kept in the store and started in its own process. */
export const HANDLER_CHARACTERS = 1024 * 1024;

const body = z.string().min(2).max(TEMPLATE_CHARACTERS).meta({
  description: "The template document as text (JSON in AWS's grammar), at most 10,240 characters; kept verbatim.",
});

const settings = {
  existingThing: z.enum(["refuse", "replace", "replace-all", "add"]).meta({
    description:
      "When the thing has an active certificate: `refuse`; `replace` it for things an operator released; `replace-all` without asking; `add` a second one.",
  }),
  serialParameter: z.string().min(1).max(128).meta({ description: "The parameter that carries the serial number." }),
  certificateDays: z.int().min(1).max(36_500).meta({ description: "Lifetime of a device's certificate in days." }),
  enabled: z.boolean(),
};

const hookRequest = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("webhook"),
      url: z
        .url({ protocol: /^https?$/ })
        .max(2048)
        .meta({ description: "Asked by POST; must be https unless it is on this machine." }),
    }),
    z.strictObject({
      kind: z.literal("handler"),
      fileName: z.string().regex(/^[\w.-]{1,128}\.[cm]?js$/, "must be a file name that ends in .js, .mjs or .cjs"),
      source: z
        .string()
        .min(1)
        .max(HANDLER_CHARACTERS)
        .meta({ description: "A Lambda-style Node module that exports `handler`." }),
    }),
  ])
  .meta({ id: "HookRequest", description: "Who decides before a device is provisioned." });

const hookSummary = z
  .object({ kind: z.enum(["webhook", "handler"]), target: z.string().meta({ description: "Its URL or file name." }) })
  .meta({ id: "Hook", description: "A template's hook; its secret and source are not shown." });

export const finding = z
  .object({
    severity: z.enum(["error", "warning"]),
    path: z.string().meta({ description: "Place in the document, for example Resources.thing.Properties.ThingName." }),
    message: z.string(),
  })
  .meta({ id: "Finding", description: "What is wrong with a document, and where." });

export const template = z
  .object({
    templateName,
    enabled: z.boolean(),
    defaultVersion: z.int(),
    existingThing: settings.existingThing,
    serialParameter: settings.serialParameter,
    certificateDays: settings.certificateDays,
    hook: hookSummary.nullable(),
  })
  .meta({ id: "Template", description: "A provisioning template and the settings kept beside it." });

export const templateDetail = template
  .extend({ createdAt: time.meta({ description: "When the default version was made." }), body: z.string() })
  .meta({ id: "TemplateDetail", description: "A template with the text of its default version." });

const plan = z
  .object({
    thing: z
      .object({
        thingName,
        thingType: thingTypeName.nullable(),
        attributes: z.record(z.string(), z.string()),
        groups: z.array(groupName),
        billingGroup: z.string().nullable(),
      })
      .nullable(),
    certificateStatus: z.enum(["ACTIVE", "INACTIVE"]),
    policies: z.array(
      z.object({ policyName, document: z.string().nullable().meta({ description: "Null: the policy must exist." }) }),
    ),
    deviceConfiguration: z.record(z.string(), z.string()),
    serialNumber: z.string().nullable(),
  })
  .meta({ id: "Plan", description: "What a template would write for one device." });

export const explanation = z
  .object({
    outcome: z.enum(["issued", "denied"]),
    reason: reasonCode.nullable(),
    message: z.string().nullable().meta({ description: "Why it would be refused and what to do." }),
    steps: z.array(z.object({ step: z.string(), verdict: z.enum(["ok", "denied"]), detail: z.string() })),
    warnings: z.array(z.string()),
    plan: plan.nullable().meta({ description: "Null where it would be denied." }),
  })
  .meta({
    id: "Explanation",
    description: "What provisioning would do with these parameters, by the same code, without writing.",
  });

const byName = z.strictObject({ templateName });

export const templateOperations = {
  applyTemplate: operation({
    method: "PUT",
    path: "/v1/templates/{templateName}",
    summary: "Create a template or give it a new default version",
    description:
      "Another body makes a new default version (five are kept); the same one changes nothing. What is not given stays as it is; `hook: null` removes the hook. A body with a mistake is refused with every finding.",
    params: byName,
    body: z.strictObject({
      body: body.optional(),
      existingThing: settings.existingThing.optional(),
      serialParameter: settings.serialParameter.optional(),
      certificateDays: settings.certificateDays.optional(),
      enabled: settings.enabled.optional(),
      hook: hookRequest.nullable().optional(),
    }),
    response: z.object({
      templateName,
      version: z.int(),
      changed: z.boolean(),
      findings: z.array(finding).meta({ description: "Warnings; a document with errors is not applied." }),
      hookSecret: z
        .string()
        .nullable()
        .meta({ description: "For a new webhook: the key of its signatures, shown this once." }),
    }),
    errors: ["template_invalid", "not_found", "policy_unknown", "limit_reached"],
  }),
  listTemplates: operation({
    method: "GET",
    path: "/v1/templates",
    summary: "List templates",
    description: "All of them, by name.",
    response: list(template),
    errors: [],
  }),
  getTemplate: operation({
    method: "GET",
    path: "/v1/templates/{templateName}",
    summary: "Show a template",
    description: "With the text of its default version, byte for byte as it was applied.",
    params: byName,
    response: templateDetail,
    errors: ["not_found"],
  }),
  listTemplateVersions: operation({
    method: "GET",
    path: "/v1/templates/{templateName}/versions",
    summary: "List a template's versions",
    description: "Newest first, each with its text.",
    params: byName,
    response: list(z.object({ version: z.int(), default: z.boolean(), createdAt: time, body: z.string() })),
    errors: ["not_found"],
  }),
  lintTemplate: operation({
    method: "POST",
    path: "/v1/lint-template",
    summary: "Say what is wrong with a template, and where",
    description: "Nothing is written.",
    body: z.strictObject({ body: z.string().max(64 * 1024) }),
    response: z.object({
      ok: z.boolean().meta({ description: "No finding is an error." }),
      findings: z.array(finding),
    }),
    errors: [],
  }),
  explainTemplate: operation({
    method: "POST",
    path: "/v1/templates/{templateName}/explain",
    summary: "Show what provisioning with these parameters would do",
    description:
      "Runs the hook and the evaluator that devices meet, writes nothing. Limits as for RegisterThing: 64 parameters.",
    params: byName,
    body: z.strictObject({
      parameters: z.record(z.string().max(2048), z.string().max(4096)).default({}),
      clientId: z.string().min(1).max(128).optional(),
    }),
    response: explanation,
    errors: ["not_found"],
  }),
};

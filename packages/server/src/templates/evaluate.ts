import { Fault } from "../kit/fault.ts";
import {
  ATTRIBUTE_NAME_PATTERN,
  ATTRIBUTE_VALUE_PATTERN,
  type GroupName,
  THING_NAME_PATTERN,
  type ThingName,
  type ThingTypeName,
} from "../vocabulary/ids.ts";
import { type CallStep, describeValue, type EvaluationInput, Evaluator, fail, quoted } from "./evaluator.ts";
import type { Plan, PlannedThing, TemplateSettings } from "./plan.ts";
import { planPolicies } from "./plan-policies.ts";
import type { CertificateResource, Expression, Template, ThingResource } from "./template.ts";
import { hasDeviceText, type Text } from "./text.ts";

export type { EvaluationInput } from "./evaluator.ts";

export interface EvaluationRequest extends EvaluationInput {
  readonly settings: Pick<TemplateSettings, "serialParameter">;
  /** Told of every function; `explain` listens. */
  readonly onCall?: (step: CallStep) => void;
}

/** Attributes of a thing with a type, and groups of a thing, as on AWS. */
const ATTRIBUTES = 50;
const GROUPS = 10;

/**
 * What the template would write for one device. Pure: nothing is read but the arguments.
 * Faults: parameter_missing, parameter_invalid, template_evaluation_failed, name_invalid.
 */
export function evaluate(template: Template, request: EvaluationRequest): Plan {
  const evaluator = new Evaluator(template, request, request.onCall);
  checkCertificateId(template.certificate, evaluator, request.certificateId);
  return {
    thing: template.thing === undefined ? undefined : planThing(template.thing, evaluator),
    certificateStatus: keyword(template.certificate.status, ["ACTIVE", "INACTIVE"], evaluator),
    exclusiveThing: keyword(template.certificate.principalType, PRINCIPAL_TYPES, evaluator) === "EXCLUSIVE_THING",
    policies: planPolicies(template.policies, evaluator),
    deviceConfiguration: Object.fromEntries(
      [...template.deviceConfiguration].map(([key, value]) => [key, evaluator.text(value).plain]),
    ),
    serialNumber: evaluator.parameter(request.settings.serialParameter)?.plain,
  };
}

const PRINCIPAL_TYPES = ["NON_EXCLUSIVE_THING", "EXCLUSIVE_THING"] as const;

/** The template may name no other certificate than the one that the caller proved to own. */
function checkCertificateId(certificate: CertificateResource, evaluator: Evaluator, certificateId: string): void {
  if (evaluator.text(certificate.certificateId).plain === certificateId) return;
  fail(certificate.certificateId.path, 'CertificateId must be {"Ref": "AWS::IoT::Certificate::Id"}');
}

/** The first is the default; letter case does not matter. */
function keyword<Word extends string>(
  expression: Expression | undefined,
  allowed: readonly [Word, ...Word[]],
  evaluator: Evaluator,
): Word {
  if (expression === undefined) return allowed[0];
  const written = evaluator.text(expression).plain;
  const found = allowed.find((word) => word === written.toUpperCase());
  return found ?? fail(expression.path, `${quoted(written)} is not one of ${allowed.join(", ")}`);
}

function planThing(thing: ThingResource, evaluator: Evaluator): PlannedThing {
  const optionalName = (expression: Expression | undefined, what: string): string | undefined =>
    expression === undefined ? undefined : checkName(evaluator.text(expression), expression.path, what);
  return {
    name: checkName(evaluator.text(thing.name), thing.name.path, "thing name") as ThingName,
    typeName: optionalName(thing.typeName, "thing type name") as ThingTypeName | undefined,
    attributes: planAttributes(thing, evaluator),
    groups: planGroups(thing, evaluator),
    billingGroup: optionalName(thing.billingGroup, "billing group name"),
    override: thing.override,
  };
}

/** Things, types and groups share one pattern. */
function checkName(text: Text, path: string, what: string): string {
  if (THING_NAME_PATTERN.test(text.plain)) return text.plain;
  throw new Fault("name_invalid", `${path}: ${quoted(text.plain)} is not a ${what}: 1–128 of [a-zA-Z0-9:_-].`);
}

function planAttributes(thing: ThingResource, evaluator: Evaluator): Readonly<Record<string, string>> {
  if (thing.attributes.size > ATTRIBUTES) {
    fail(thing.path, `the thing would have ${thing.attributes.size} attributes; at most ${ATTRIBUTES} are allowed`);
  }
  const attributes = [...thing.attributes].map(([key, expression]): [string, string] => {
    const value = evaluator.text(expression);
    if (!ATTRIBUTE_NAME_PATTERN.test(key)) fail(expression.path, `${quoted(key)} is not an attribute name`);
    if (ATTRIBUTE_VALUE_PATTERN.test(value.plain)) return [key, value.plain];
    const found = `${expression.path}: the attribute ${quoted(key)} cannot be ${quoted(value.plain)}`;
    const rule = "at most 800 of [a-zA-Z0-9_.,@/:#-]";
    // Who has to mend it depends on whose text it was.
    throw new Fault(hasDeviceText(value) ? "parameter_invalid" : "template_evaluation_failed", `${found}: ${rule}.`);
  });
  return Object.fromEntries(attributes);
}

function planGroups(thing: ThingResource, evaluator: Evaluator): readonly GroupName[] {
  if (thing.groups === undefined) return [];
  const { path } = thing.groups;
  const value = evaluator.value(thing.groups);
  if (value.kind !== "list") fail(path, `a list of groups is needed and there is ${describeValue(value)}`);
  const names = value.items.map((item, index) => {
    const place = `${path}/${index}`;
    if (item.kind !== "text") fail(place, `a group's name is needed and there is ${describeValue(item)}`);
    return checkName(item, place, "group name") as GroupName;
  });
  const groups = [...new Set(names)];
  return groups.length > GROUPS ? fail(path, `a thing may be in ${GROUPS} groups, not ${groups.length}`) : groups;
}

import { Fault } from "../kit/fault.ts";
import { type EvaluationInput, evaluate } from "./evaluate.ts";
import type { CallStep } from "./evaluator.ts";
import type { Plan, TemplateSettings } from "./plan.ts";
import type { Template } from "./template.ts";
import type { Value } from "./text.ts";

export interface ExplainRequest extends EvaluationInput {
  readonly settings: Pick<TemplateSettings, "serialParameter"> & Partial<TemplateSettings>;
}

export interface Explanation {
  readonly outcome:
    | { readonly kind: "issued"; readonly plan: Plan }
    | { readonly kind: "denied"; readonly fault: Fault };
  /** Every function in the order in which it was evaluated, then what is written; up to the fault. */
  readonly steps: readonly ExplainedStep[];
  readonly warnings: readonly string[];
}

export interface ExplainedStep {
  /** The place (JSON pointer) and the function there, or the resource. */
  readonly step: string;
  readonly verdict: "ok" | "denied";
  /** What went in and what came out. */
  readonly detail: string;
}

/** Texts are cut to this length, steps to that number: an explanation is read by people. */
const SHOWN_CHARACTERS = 256;
const SHOWN_ITEMS = 32;
const SHOWN_STEPS = 1000;

/** Runs the evaluator as it runs for a device, writes nothing, and tells each step. */
export function explain(template: Template, request: ExplainRequest): Explanation {
  const steps: ExplainedStep[] = [];
  const warnings = warningsFor(template, request);
  const onCall = (call: CallStep): void => {
    if (steps.length < SHOWN_STEPS) steps.push(describeCall(call));
  };
  try {
    const plan = evaluate(template, { ...request, onCall });
    return { outcome: { kind: "issued", plan }, steps: [...steps, ...describePlan(plan)], warnings };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    steps.push({ step: "refused", verdict: "denied", detail: `${error.message} ${error.remedy}` });
    return { outcome: { kind: "denied", fault: error }, steps, warnings };
  }
}

function describeCall({ path, call, inputs, value }: CallStep): ExplainedStep {
  const from = inputs.length === 0 ? "" : `${inputs.map(shown).join(", ")} `;
  return { step: `${path} ${call}`, verdict: "ok", detail: `${from}→ ${shown(value)}` };
}

function describePlan(plan: Plan): readonly ExplainedStep[] {
  const written: [string, unknown][] = [
    ["certificate", { status: plan.certificateStatus, exclusive: plan.exclusiveThing }],
  ];
  if (plan.thing !== undefined) written.unshift(["thing", plan.thing]);
  for (const { name, document } of plan.policies) {
    written.push([`policy ${name}`, document === undefined ? "must exist" : "is created if absent"]);
  }
  if (Object.keys(plan.deviceConfiguration).length > 0) written.push(["deviceConfiguration", plan.deviceConfiguration]);
  return written.map(([step, detail]) => ({ step, verdict: "ok", detail: JSON.stringify(detail) }));
}

function warningsFor(
  template: Template,
  { deviceParameters, hookOverrides, settings }: ExplainRequest,
): readonly string[] {
  const warnings: string[] = [];
  for (const name of deviceParameters.keys()) {
    const quoted = JSON.stringify(name);
    if (hookOverrides.has(name)) warnings.push(`The hook replaces the device's parameter ${quoted}.`);
    else if (!template.parameters.has(name)) warnings.push(`The parameter ${quoted} is not declared in the template.`);
  }
  const serial = settings.serialParameter;
  if (!deviceParameters.has(serial) && !hookOverrides.has(serial)) {
    warnings.push(`There is no serial number: the parameter ${JSON.stringify(serial)} was not sent.`);
  }
  if (settings.enabled === false) warnings.push("The template is disabled: devices are refused until it is enabled.");
  if (template.thing === undefined) warnings.push("The template makes no thing: SDKs then report a missing thingName.");
  return warnings;
}

function shown(value: Value): string {
  return JSON.stringify(toShown(value));
}

function toShown(value: Value): unknown {
  switch (value.kind) {
    case "text":
      return value.plain.length > SHOWN_CHARACTERS ? `${value.plain.slice(0, SHOWN_CHARACTERS)}…` : value.plain;
    case "scalar":
      return value.value;
    case "list":
      return value.items.slice(0, SHOWN_ITEMS).map(toShown);
    case "object":
      return Object.fromEntries([...value.members].map(([key, member]) => [key, toShown(member)]));
  }
}

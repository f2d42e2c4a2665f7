// What a template's plan means for a thing that exists: OverrideSettings, by AWS's words.
import { Fault } from "../kit/fault.ts";
import type { OverrideRule, PlannedThing } from "../templates/plan.ts";
import type { GroupName, ThingTypeName } from "../vocabulary/ids.ts";
import type { ThingRow } from "./rows.ts";

export interface ThingOutcome {
  readonly attributes: Readonly<Record<string, string>>;
  readonly typeName: ThingTypeName | undefined;
  readonly billingGroup: string | undefined;
  readonly groups: readonly GroupName[];
}

/**
 * The thing after the plan. DO_NOTHING keeps what is there, REPLACE takes the template's, MERGE joins both (the template's value wins),
 * FAIL accepts only what is equal already. A billing group has no rule: one that is set stays.
 */
export function applyToExisting(thing: ThingRow, groups: readonly GroupName[], planned: PlannedThing): ThingOutcome {
  const { override } = planned;
  return {
    attributes: chooseAttributes(override.attributes, thing, planned),
    typeName: chooseType(override.typeName, thing, planned),
    groups: chooseGroups(override.groups, groups, planned),
    billingGroup: thing.billingGroup ?? planned.billingGroup,
  };
}

function chooseAttributes(
  rule: OverrideRule,
  thing: ThingRow,
  planned: PlannedThing,
): Readonly<Record<string, string>> {
  switch (rule) {
    case "DO_NOTHING":
      return thing.attributes;
    case "REPLACE":
      return planned.attributes;
    case "MERGE":
      return { ...thing.attributes, ...planned.attributes };
    case "FAIL":
      if (!sameAttributes(thing.attributes, planned.attributes)) throw differs(planned, "attributes");
      return thing.attributes;
  }
}

function chooseType(rule: OverrideRule, thing: ThingRow, planned: PlannedThing): ThingTypeName | undefined {
  switch (rule) {
    case "DO_NOTHING":
      return thing.typeName;
    // A thing has one type, so that MERGE can only mean the template's.
    case "REPLACE":
    case "MERGE":
      return planned.typeName ?? thing.typeName;
    case "FAIL":
      if (thing.typeName !== planned.typeName) throw differs(planned, "thing type");
      return thing.typeName;
  }
}

function chooseGroups(rule: OverrideRule, present: readonly GroupName[], planned: PlannedThing): readonly GroupName[] {
  switch (rule) {
    case "DO_NOTHING":
      return present;
    case "REPLACE":
      return planned.groups;
    case "MERGE":
      return [...new Set([...present, ...planned.groups])];
    case "FAIL":
      if (!sameNames(present, planned.groups)) throw differs(planned, "groups");
      return present;
  }
}

function sameAttributes(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  const names = new Set(one);
  return names.size === new Set(other).size && other.every((name) => names.has(name));
}

function differs(planned: PlannedThing, what: string): Fault {
  return new Fault(
    "resource_conflict",
    `The thing ${planned.name} exists with other ${what} than the template gives, and its OverrideSettings say FAIL.`,
  );
}

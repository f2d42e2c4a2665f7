import type { GroupName, PolicyName, ThingName, ThingTypeName } from "../vocabulary/ids.ts";

/** What AWS's template lacks, kept beside the body. */
export interface TemplateSettings {
  /**
   * When the thing has an active certificate already: `refuse`; `replace` the old one for things an operator has released;
   * `replace-all` without asking; or `add` a second one.
   */
  readonly existingThing: "refuse" | "replace" | "replace-all" | "add";
  /** The parameter that carries the serial number. */
  readonly serialParameter: string;
  /** Lifetime of the device's certificate in days. */
  readonly certificateDays: number;
  readonly enabled: boolean;
}

export const DEFAULT_TEMPLATE_SETTINGS: TemplateSettings = {
  existingThing: "refuse",
  serialParameter: "SerialNumber",
  certificateDays: 365,
  enabled: true,
};

export type OverrideRule = "DO_NOTHING" | "REPLACE" | "FAIL" | "MERGE";

/** What a template would write for one device. Pure data; applying it is the store's one transaction. */
export interface Plan {
  /** Absent when the template declares no thing. */
  readonly thing: PlannedThing | undefined;
  readonly certificateStatus: "ACTIVE" | "INACTIVE";
  /** ThingPrincipalType EXCLUSIVE_THING. */
  readonly exclusiveThing: boolean;
  readonly policies: readonly PlannedPolicy[];
  readonly deviceConfiguration: Readonly<Record<string, string>>;
  readonly serialNumber: string | undefined;
}

export interface PlannedThing {
  readonly name: ThingName;
  readonly typeName: ThingTypeName | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly groups: readonly GroupName[];
  readonly billingGroup: string | undefined;
  /** What to do where the thing exists already. */
  readonly override: {
    readonly attributes: OverrideRule;
    readonly typeName: OverrideRule;
    readonly groups: OverrideRule;
  };
}

/** By name alone the policy must exist; with a document it is created under that name if absent. */
export interface PlannedPolicy {
  readonly name: PolicyName;
  readonly document: string | undefined;
}

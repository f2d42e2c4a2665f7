import type { ResourcePattern } from "./resource.ts";
import type { PrincipalContext, Variable } from "./variables.ts";

/** A policy document, read and checked. The document itself is kept verbatim by whoever stores it. */
export interface Policy {
  readonly version: "2012-10-17" | "2008-10-17";
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly ActionPattern[];
  readonly resources: readonly ResourcePattern[];
  /** The statement concerns everything but `resources`. */
  readonly notResource: boolean;
  readonly conditions: readonly Condition[];
}

export interface ActionPattern {
  readonly text: string;
  /** Takes the action in lower case: `iot:publish`. */
  covers(action: string): boolean;
}

/** One operator on one key. All conditions of a statement must hold. */
export interface Condition {
  readonly operator: string;
  readonly key: Variable;
  readonly quantifier: "ForAllValues" | "ForAnyValue" | undefined;
  readonly ifExists: boolean;
  readonly test: ConditionTest;
}

export type ConditionTest =
  | { readonly kind: "null"; readonly absent: boolean }
  | {
      readonly kind: "compare";
      /** The operator's `Not` form: true where the comparison fails. */
      readonly negated: boolean;
      /** Whether a value equals (is below, is like, …) any of the values in the document. */
      bind(principal: PrincipalContext): (value: string) => boolean;
    };

/** A policy under the name that decisions report. */
export interface NamedPolicy {
  readonly name: string;
  readonly policy: Policy;
}

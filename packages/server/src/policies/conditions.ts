import type { Condition } from "./policy.ts";
import type { PrincipalContext, RequestContext } from "./variables.ts";

/**
 * Whether a condition holds, by the rules of IAM: a positive operator wants one value that matches, a negated one none;
 * a key without value fails the former and passes the latter, unless `IfExists`, `ForAllValues` or `ForAnyValue` says.
 */
export function conditionHolds(condition: Condition, principal: PrincipalContext, request: RequestContext): boolean {
  const { key, quantifier, test } = condition;
  const values = key.read(principal, request);
  if (test.kind === "null") return (values.length === 0) === test.absent;
  if (values.length === 0) {
    if (condition.ifExists || quantifier === "ForAllValues") return true;
    return quantifier === undefined && test.negated;
  }
  const matches = test.bind(principal);
  if (quantifier === "ForAllValues") return values.every((value) => matches(value) !== test.negated);
  if (quantifier === "ForAnyValue") return values.some((value) => matches(value) !== test.negated);
  return values.some(matches) !== test.negated;
}

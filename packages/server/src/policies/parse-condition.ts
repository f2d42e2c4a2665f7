import { OPERATORS, type Operator } from "./comparisons.ts";
import { PatternError, type PatternRules } from "./pattern.ts";
import { fields, type Place, refuse, texts } from "./place.ts";
import type { Condition, ConditionTest } from "./policy.ts";
import { findVariable, similarVariable, type Variable } from "./variables.ts";

const PREFIX = /^(ForAllValues|ForAnyValue):/;
const SUFFIX = /IfExists$/;

/** Reads `{operator: {key: value | [value]}}`. */
export function parseConditions(value: unknown, place: Place, rules: PatternRules): readonly Condition[] {
  return fields(value, place).flatMap(([operator, keys]) => {
    const at = `${place}.${operator}`;
    return fields(keys, at).map(([key, expected]) =>
      parseCondition({ operator, key, expected }, `${at}.${key}`, rules),
    );
  });
}

interface Written {
  readonly operator: string;
  readonly key: string;
  readonly expected: unknown;
}

function parseCondition(written: Written, place: Place, rules: PatternRules): Condition {
  const { operator } = written;
  const key = knownKey(written.key, place);
  const quantifier = PREFIX.exec(operator)?.[1] as Condition["quantifier"];
  const bare = operator.replace(PREFIX, "");
  const values = texts(written.expected, place, { scalars: true });
  if (bare === "Null") {
    if (quantifier !== undefined) refuse(place, `Null takes no ${quantifier}`);
    return { operator, key, quantifier, ifExists: false, test: nullTest(values, place) };
  }
  const ifExists = SUFFIX.test(bare);
  const known = OPERATORS.get(bare.replace(SUFFIX, ""));
  if (known === undefined)
    refuse(place, `${operator} is not a condition operator; known are Null, ${[...OPERATORS.keys()].join(", ")}`);
  checkFamily(known, key, place);
  return { operator, key, quantifier, ifExists, test: comparison(known, values, place, rules) };
}

function knownKey(name: string, place: Place): Variable {
  const key = findVariable(name);
  if (key !== undefined) return key;
  const similar = similarVariable(name);
  return refuse(place, `${name} is not a condition key${similar === undefined ? "" : `; did you mean ${similar}?`}`);
}

function nullTest(values: readonly string[], place: Place): ConditionTest {
  const [value] = values;
  if (values.length !== 1 || (value !== "true" && value !== "false")) refuse(place, 'Null takes one "true" or "false"');
  return { kind: "null", absent: value === "true" };
}

/** An operator on a key of another kind would never hold, or always: both are mistakes that should not wait for night. */
function checkFamily(operator: Operator, key: Variable, place: Place): void {
  const isArn = key.name === "iot:LastWillTopic";
  if (isArn !== (operator.family === "arn")) {
    refuse(
      place,
      isArn ? "iot:LastWillTopic is an ARN; compare it with ArnEquals or ArnLike" : `${key.name} is not an ARN`,
    );
  }
  if (key.name === "aws:CurrentTime" && operator.family !== "date") refuse(place, "compare aws:CurrentTime with Date…");
}

function comparison(operator: Operator, values: readonly string[], place: Place, rules: PatternRules): ConditionTest {
  const bound = values.map((value) => {
    try {
      return operator.compare(value, rules);
    } catch (error) {
      if (error instanceof PatternError) refuse(place, error.message);
      throw error;
    }
  });
  return {
    kind: "compare",
    negated: operator.negated,
    bind(principal) {
      const matchers = bound.map((bind) => bind(principal));
      return (value) => matchers.some((matches) => matches(value));
    },
  };
}

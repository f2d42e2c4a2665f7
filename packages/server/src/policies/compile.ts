import type { Clock } from "../kit/clock.ts";
import { conditionHolds } from "./conditions.ts";
import type { Matcher } from "./glob.ts";
import type { Condition, NamedPolicy, Statement } from "./policy.ts";
import { bindResource, isBindable } from "./resource.ts";
import type { PrincipalContext, RequestContext } from "./variables.ts";

export interface DecisionRequest {
  /** `iot:Publish`; letter case does not matter. */
  readonly action: string;
  /** `TYPE/NAME`, such as `topic/a/b`. */
  readonly resource: string;
  readonly conditionContext?: RequestContext;
}

export interface Decision {
  readonly decision: "allowed" | "explicit_deny" | "implicit_deny";
  /** The statement that decided; absent where none applied. */
  readonly by?: StatementRef;
}

export interface StatementRef {
  readonly policy: string;
  /** Its index in the document. */
  readonly statement: number;
}

/** What a device does over MQTT, each with the type of resource it is judged on. */
export type DeviceAction = "connect" | "publish" | "subscribe" | "receive" | "retain";

export interface CompiledPolicies {
  /** Any action on any resource, with the statement that decided. */
  decide(request: DecisionRequest): Decision;
  /** The same for what a live connection does, where the time counts. */
  decideFor(action: DeviceAction, name: string, request?: RequestContext): Decision;
}

/** Prepares the policies for one connection: what is known at CONNECT is filled in once, on first use of each action. */
export function compile(
  policies: readonly NamedPolicy[],
  principal: PrincipalContext,
  clock?: Pick<Clock, "now">,
): CompiledPolicies {
  const cache = new Map<DeviceAction, Rules>();
  const judge = (rules: Rules, name: string, request: RequestContext): Decision =>
    decideBy(rules, name, rules.timed && clock !== undefined ? { nowMs: clock.now(), ...request } : request);
  return {
    decide({ action, resource, conditionContext = {} }) {
      const slash = resource.indexOf("/");
      const type = slash === -1 ? resource : resource.slice(0, slash);
      const name = slash === -1 ? "" : resource.slice(slash + 1);
      return judge(selectRules(policies, { action: action.toLowerCase(), type, principal }), name, conditionContext);
    },
    decideFor(action, name, request = {}) {
      let rules = cache.get(action);
      if (rules === undefined) {
        rules = selectRules(policies, { ...DEVICE_ACTIONS[action], principal });
        cache.set(action, rules);
      }
      return judge(rules, name, request);
    },
  };
}

const DEVICE_ACTIONS: Readonly<Record<DeviceAction, { readonly action: string; readonly type: string }>> = {
  connect: { action: "iot:connect", type: "client" },
  publish: { action: "iot:publish", type: "topic" },
  subscribe: { action: "iot:subscribe", type: "topicfilter" },
  receive: { action: "iot:receive", type: "topic" },
  retain: { action: "iot:retainpublish", type: "topic" },
};

/** A statement that concerns this action, for this connection. */
interface Rule {
  readonly matches: Matcher;
  /** Only those that the single request decides; the others already held. */
  readonly conditions: readonly Condition[];
  /** Allocated once: decisions are made far more often than statements. */
  readonly decision: Decision;
}

interface Rules {
  readonly denies: readonly Rule[];
  readonly allows: readonly Rule[];
  /** Some condition asks for the time. */
  readonly timed: boolean;
  readonly principal: PrincipalContext;
}

interface Question {
  readonly action: string;
  readonly type: string;
  readonly principal: PrincipalContext;
}

function selectRules(policies: readonly NamedPolicy[], question: Question): Rules {
  const denies: Rule[] = [];
  const allows: Rule[] = [];
  let timed = false;
  for (const { name, policy } of policies) {
    policy.statements.forEach((statement, index) => {
      const rule = bindStatement(statement, { policy: name, statement: index }, question);
      if (rule === undefined) return;
      (statement.effect === "Deny" ? denies : allows).push(rule);
      timed ||= rule.conditions.some((condition) => condition.key.name.startsWith("aws:"));
    });
  }
  return { denies, allows, timed, principal: question.principal };
}

function bindStatement(statement: Statement, by: StatementRef, question: Question): Rule | undefined {
  const { action, type, principal } = question;
  if (!statement.actions.some((pattern) => pattern.covers(action))) return undefined;
  const settled = statement.conditions.filter((condition) => condition.key.origin !== "request");
  if (!settled.every((condition) => conditionHolds(condition, principal, {}))) return undefined;
  // "Everything but ${…}" with nothing in the place of `${…}` must not become "everything".
  const unbound = statement.resources.some((pattern) => !isBindable(pattern, type, principal));
  if (statement.notResource && statement.effect === "Allow" && unbound) return undefined;
  const matchers = statement.resources.map((pattern) => bindResource(pattern, type, principal));
  const any = anyOf(matchers);
  return {
    matches: statement.notResource ? (name) => !any(name) : any,
    conditions: statement.conditions.filter((condition) => condition.key.origin === "request"),
    decision: { decision: statement.effect === "Deny" ? "explicit_deny" : "allowed", by },
  };
}

function anyOf(matchers: readonly Matcher[]): Matcher {
  const [only] = matchers;
  if (only !== undefined && matchers.length === 1) return only;
  return (name) => {
    for (const matches of matchers) if (matches(name)) return true;
    return false;
  };
}

const IMPLICIT_DENY: Decision = { decision: "implicit_deny" };

function decideBy(rules: Rules, name: string, request: RequestContext): Decision {
  return (
    firstMatch(rules.denies, name, request, rules) ?? firstMatch(rules.allows, name, request, rules) ?? IMPLICIT_DENY
  );
}

function firstMatch(list: readonly Rule[], name: string, request: RequestContext, rules: Rules): Decision | undefined {
  for (const rule of list) {
    if (!rule.matches(name)) continue;
    if (rule.conditions.every((condition) => conditionHolds(condition, rules.principal, request))) return rule.decision;
  }
  return undefined;
}

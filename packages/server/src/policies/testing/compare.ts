import assert from "node:assert/strict";
import { type CompiledPolicies, compile, type DeviceAction } from "../compile.ts";
import { parsePolicy } from "../parse-policy.ts";
import type { ConnectAttribute } from "../variables.ts";
import { Chance, randomPolicy, randomPrincipal, randomRequest } from "./random-policies.ts";
import { type ReferenceRequest, referenceFor } from "./reference-matcher.ts";

const REQUESTS_PER_POLICY = 100;
const FAST: Readonly<Record<string, DeviceAction>> = {
  "iot:Connect": "connect",
  "iot:Publish": "publish",
  "iot:Subscribe": "subscribe",
  "iot:Receive": "receive",
  "iot:RetainPublish": "retain",
};

/** Compares the compiled policies with the reference on that many decisions; returns how often each verdict came. */
export function compareWithReference(seed: number, decisions: number): Readonly<Record<string, number>> {
  const seen: Record<string, number> = { allowed: 0, explicit_deny: 0, implicit_deny: 0 };
  const chance = new Chance(seed);
  for (let done = 0; done < decisions; ) {
    const documents = chance.several(1, 2, () => randomPolicy(chance));
    const principal = randomPrincipal(chance);
    const policies = documents.map((document, index) => ({
      name: `p${index}`,
      policy: parsePolicy(JSON.stringify(document)),
    }));
    const compiled = compile(policies, principal);
    const reference = referenceFor(documents, principal);
    for (let i = 0; i < REQUESTS_PER_POLICY && done < decisions; i++, done++) {
      const request = randomRequest(chance, principal);
      const expected = reference(request);
      const actual = decide(compiled, request, chance.oneIn(8));
      if (actual !== expected) {
        assert.equal(actual, expected, `seed ${seed}: ${JSON.stringify({ documents, principal, request }, null, 1)}`);
      }
      seen[actual] = (seen[actual] ?? 0) + 1;
    }
  }
  return seen;
}

function decide(compiled: CompiledPolicies, request: ReferenceRequest, general: boolean): string {
  const { action, resource, lastWillTopic } = request;
  const context = { connectAttributes: request.connectAttributes as readonly ConnectAttribute[], lastWillTopic };
  if (general) return compiled.decide({ action, resource, conditionContext: context }).decision;
  return compiled.decideFor(FAST[action] as DeviceAction, resource.slice(resource.indexOf("/") + 1), context).decision;
}

import type { Policy } from "@fleetmint/wire/v1";
import { policyApplied, policyAttached, policyDetached } from "../../audit/events.ts";
import { parsePolicy } from "../../policies/parse-policy.ts";
import type { PolicyRecord, PolicyTarget } from "../../registry/ports.ts";
import type { PolicyName } from "../../vocabulary/ids.ts";
import { by } from "./by.ts";
import type { Call, Handlers } from "./handler.ts";
import { found, iso } from "./wire-values.ts";

export const policyHandlers = {
  async applyPolicy(ports, { params, body: { document }, actor }) {
    const name = params.policyName as PolicyName;
    // Refused with the place of the mistake; what is stored is the text as it came.
    parsePolicy(document);
    const audit = policyApplied({ ...by(ports, actor), policyName: name, detail: { document } });
    const applied = await ports.registry.applyPolicy({ name, document, nowMs: ports.clock.now(), audit });
    return { policyName: name, version: applied.version, changed: applied.changed };
  },
  async listPolicies(ports) {
    return { items: (await ports.registry.policies()).map(policyView) };
  },
  async getPolicy(ports, { params }) {
    const name = params.policyName as PolicyName;
    const record = found(await ports.registry.policy(name), `policy "${name}"`);
    return { ...policyView(record), versions: versionsView(record) };
  },
  async attachPolicy(ports, { params, body, actor }) {
    const name = params.policyName as PolicyName;
    const target = targetOf(body.target);
    const audit = policyAttached({ ...by(ports, actor), policyName: name, detail: { target } });
    await ports.registry.attachPolicy({ name, target, audit });
    return {};
  },
  async detachPolicy(ports, { params, body, actor }) {
    const name = params.policyName as PolicyName;
    const target = targetOf(body.target);
    const audit = policyDetached({ ...by(ports, actor), policyName: name, detail: { target } });
    await ports.registry.detachPolicy({ name, target, audit });
    return {};
  },
} satisfies Partial<Handlers>;

function policyView(record: PolicyRecord): Policy {
  const current = record.versions.find(({ version }) => version === record.defaultVersion)!;
  return {
    policyName: record.policyName,
    defaultVersion: record.defaultVersion,
    createdAt: iso(current.createdAtMs),
  };
}

function versionsView(record: PolicyRecord) {
  const newestFirst = record.versions.toSorted((a, b) => b.version - a.version);
  return newestFirst.map(({ version, createdAtMs, document }) => ({
    version,
    default: version === record.defaultVersion,
    createdAt: iso(createdAtMs),
    document,
  }));
}

/** The schema has checked the name's characters for every kind; what does not exist is the store's `not_found`. */
function targetOf(target: Call<"attachPolicy">["body"]["target"]): PolicyTarget {
  return target as PolicyTarget;
}

import { Fault } from "../../kit/fault.ts";
import { LIMITS } from "../../kit/limits.ts";
import type { PolicyTarget, RegistryStore } from "../../registry/ports.ts";
import type { RowId, Rows, TargetRow } from "../rows.ts";
import { appendAudit, found } from "./record.ts";

type Apply = Parameters<RegistryStore["applyPolicy"]>[0];
type Attach = Parameters<RegistryStore["attachPolicy"]>[0];

export function applyPolicy(rows: Rows, request: Apply): { readonly version: number; readonly changed: boolean } {
  const record = rows.policy(request.name);
  const current = record?.versions.find((version) => version.version === record.defaultVersion);
  if (current?.document === request.document) return { version: current.version, changed: false };
  const policy = rows.policyRow(request.name)?.id ?? rows.insertPolicy(request.name);
  const numbers = record?.versions.map((version) => version.version) ?? [];
  const version = Math.max(0, ...numbers) + 1;
  rows.insertPolicyVersion(policy, version, request.nowMs, request.document);
  rows.setPolicyDefault(policy, version);
  for (const old of beyondLimit([...numbers, version], version, LIMITS.policyVersions))
    rows.deletePolicyVersion(policy, old);
  appendAudit(rows, request.audit);
  rows.insertChange("policies", "");
  return { version, changed: true };
}

/** The oldest versions that must go, never the default one. */
export function beyondLimit(versions: readonly number[], defaultVersion: number, limit: number): readonly number[] {
  const candidates = versions.filter((version) => version !== defaultVersion).sort((one, other) => one - other);
  return candidates.slice(0, Math.max(0, versions.length - limit));
}

export function attachPolicy(rows: Rows, request: Attach): void {
  const { policy, target } = resolve(rows, request);
  if (!rows.attach(policy, target)) return;
  recordAttachment(rows, request);
}

export function detachPolicy(rows: Rows, request: Attach): void {
  const { policy, target } = resolve(rows, request);
  if (!rows.detach(policy, target)) {
    throw new Fault(
      "not_found",
      `The policy ${request.name} is not attached to the ${request.target.kind} ${request.target.id}.`,
    );
  }
  recordAttachment(rows, request);
}

function resolve(rows: Rows, request: Attach): { readonly policy: RowId; readonly target: TargetRow } {
  const policy = found(rows.policyRow(request.name), "policy", request.name).id;
  return { policy, target: { kind: request.target.kind, row: targetRow(rows, request.target) } };
}

function targetRow(rows: Rows, target: PolicyTarget): RowId {
  switch (target.kind) {
    case "thing":
      return found(rows.thing(target.id), "thing", target.id).id;
    case "group":
      return found(rows.group(target.id), "group", target.id).id;
    case "certificate":
      return found(rows.certificate(target.id), "certificate", target.id).id;
  }
}

function recordAttachment(rows: Rows, { target, audit }: Attach): void {
  appendAudit(rows, audit);
  // A group's policies concern all its members: they are told as all are.
  if (target.kind === "group") rows.insertChange("policies", "");
  else rows.insertChange(target.kind, target.id);
}

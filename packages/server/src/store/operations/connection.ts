import type { ConnectionRecord } from "../../enrollment/ports.ts";
import type { CertificateId } from "../../vocabulary/ids.ts";
import type { CertificateRow, ClaimRow, GroupRow, PolicyRow, Rows, ThingRow } from "../rows.ts";
import { withoutRows } from "./certificates.ts";
import { claimRecord } from "./claims.ts";

/** Everything that decides a connection. */
export function connection(rows: Rows, certificateId: CertificateId): ConnectionRecord | undefined {
  const certificate = rows.certificate(certificateId);
  if (certificate === undefined) return undefined;
  const thing = certificate.thing === undefined ? undefined : rows.thingByRow(certificate.thing);
  const claim = bornFrom(rows, certificate);
  const isDevice = certificate.profile === "device";
  return {
    certificate: withoutRows(certificate),
    claim: isDevice || claim === undefined ? undefined : claimRecord(rows, claim),
    quarantined: (claim?.quarantined ?? false) || (thing?.quarantined ?? false),
    thing: thing && { name: thing.thingName, typeName: thing.typeName, attributes: thing.attributes },
    supersedes: isDevice && certificate.claim === undefined ? supersededBy(rows, certificate) : undefined,
    policies: isDevice ? effectivePolicies(rows, certificate, thing) : [],
  };
}

/** A renewed certificate has no claim of its own: its device was born from the claim of an earlier one. */
function bornFrom(rows: Rows, certificate: CertificateRow): ClaimRow | undefined {
  if (certificate.claim !== undefined) return rows.claimByRow(certificate.claim);
  if (certificate.profile !== "device") return undefined;
  let renewed = rows.renewedBy(certificate.id);
  while (renewed !== undefined) {
    const earlier = rows.certificateByRow(renewed);
    if (earlier?.claim !== undefined) return rows.claimByRow(earlier.claim);
    renewed = rows.renewedBy(renewed);
  }
  return undefined;
}

function supersededBy(rows: Rows, certificate: CertificateRow): CertificateId | undefined {
  const renewed = rows.renewedBy(certificate.id);
  const earlier = renewed === undefined ? undefined : rows.certificateByRow(renewed);
  return earlier?.status === "ACTIVE" ? earlier.certificateId : undefined;
}

function effectivePolicies(
  rows: Rows,
  certificate: CertificateRow,
  thing: ThingRow | undefined,
): ConnectionRecord["policies"] {
  const effective = new Map<number, PolicyRow>();
  const collect = (policies: readonly PolicyRow[]) => {
    for (const policy of policies) effective.set(policy.id, policy);
  };
  collect(rows.attached({ kind: "certificate", row: certificate.id }));
  if (thing !== undefined) {
    collect(rows.attached({ kind: "thing", row: thing.id }));
    for (const group of withAncestors(rows, rows.groupsOf(thing.id)))
      collect(rows.attached({ kind: "group", row: group }));
  }
  return [...effective.values()].map(({ id, name, defaultVersion }) => ({
    name,
    version: defaultVersion,
    document: rows.policyDocument(id, defaultVersion),
  }));
}

/** A thing is under the policies of its groups' parents too, as in AWS. */
function withAncestors(rows: Rows, groups: readonly GroupRow[]): ReadonlySet<number> {
  const all = new Set<number>();
  for (let group of groups) {
    while (!all.has(group.id)) {
      all.add(group.id);
      const parent = group.parent === undefined ? undefined : rows.groupByRow(group.parent);
      if (parent === undefined) break;
      group = parent;
    }
  }
  return all;
}

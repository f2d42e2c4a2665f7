// Steps that several operations share.
import { entryBody, leafHash } from "../../audit/leaf.ts";
import type { AuditEvent } from "../../audit/ports.ts";
import { Fault } from "../../kit/fault.ts";
import type { ClaimId } from "../../vocabulary/ids.ts";
import type { ClaimRow, Rows } from "../rows.ts";

/** Writes the entry with its leaf hash, in the transaction of the change it records. */
export function appendAudit(rows: Rows, event: AuditEvent): void {
  const body = entryBody(event);
  rows.insertAudit(body, leafHash(body));
}

/** The row, or `not_found` with the kind and name in the sentence. */
export function found<Row>(row: Row | undefined, kind: string, name: string): Row {
  if (row === undefined) throw new Fault("not_found", `There is no ${kind} ${name}.`);
  return row;
}

export function requireClaim(rows: Rows, claimId: ClaimId): ClaimRow {
  return found(rows.claim(claimId), "claim", claimId);
}

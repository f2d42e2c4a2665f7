import { Fault } from "../kit/fault.ts";
import type { CredentialRecord } from "./ports.ts";

/** What each role may do. `owner` administers everything; narrower roles join here. */
const MAY: Readonly<Record<CredentialRecord["role"], (operation: string) => boolean>> = {
  owner: () => true,
};

/** Throws `forbidden` unless the credential's role may do this. A role that this release does not know may do nothing. */
export function requirePermission(credential: CredentialRecord, operation: string): void {
  const may = Object.hasOwn(MAY, credential.role) ? MAY[credential.role] : undefined;
  if (may?.(operation) === true) return;
  throw new Fault("forbidden", `The role "${credential.role}" of ${credential.accountId} may not call ${operation}.`);
}

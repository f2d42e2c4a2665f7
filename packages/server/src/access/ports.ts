import type { AccountId } from "../vocabulary/ids.ts";

/** A credential of a person or machine: only its hash is kept. */
export interface CredentialRecord {
  readonly accountId: AccountId;
  readonly role: "owner";
  /** Hex SHA-256 of the token. */
  readonly tokenHash: string;
  readonly createdAtMs: number;
}

export interface AccountStore {
  credential(tokenHash: string): Promise<CredentialRecord | undefined>;
  saveCredential(credential: CredentialRecord): Promise<void>;
}

import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../kit/clock.ts";
import { Fault } from "../kit/fault.ts";
import type { Random } from "../kit/random.ts";
import type { AccountId } from "../vocabulary/ids.ts";
import type { AccountStore, CredentialRecord } from "./ports.ts";

/** A prefix that secret scanners can look for, then 256 bits in base64url. */
const TOKEN_PATTERN = /^fmt_[A-Za-z0-9_-]{43}$/;

/** A new credential: the token for its holder, this once, and the record for the store, which cannot be turned back into it. */
export interface NewCredential {
  readonly token: string;
  readonly record: CredentialRecord;
}

export function createCredential(
  ports: { readonly clock: Clock; readonly random: Random },
  holder: { readonly accountId: AccountId; readonly role: CredentialRecord["role"] },
): NewCredential {
  const token = `fmt_${Buffer.from(ports.random.bytes(32)).toString("base64url")}`;
  return { token, record: { ...holder, tokenHash: hashToken(token), createdAtMs: ports.clock.now() } };
}

/** Hex SHA-256. A token has 256 bits of chance, so a slow password hash would add nothing but load. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Whose token it is. The fault is the same for a malformed and an unknown one, and repeats neither. */
export async function authenticate(accounts: AccountStore, token: string | undefined): Promise<CredentialRecord> {
  if (token === undefined || !TOKEN_PATTERN.test(token)) throw new Fault("unauthenticated");
  const tokenHash = hashToken(token);
  const record = await accounts.credential(tokenHash);
  // The store's look-up may stop at the first differing byte; what it found is compared again in constant time.
  if (record === undefined || !sameHash(record.tokenHash, tokenHash)) throw new Fault("unauthenticated");
  return record;
}

function sameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

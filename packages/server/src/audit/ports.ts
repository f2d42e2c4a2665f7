// The audit log: entries written in the same transaction as the change they record, and the Merkle tree over them.

/** One fact, as it is kept for ever. `detail` never holds a secret. */
export interface AuditEvent {
  /** One of audit/events.ts. */
  readonly event: string;
  /** `describePrincipal` of who did it, or `system`. */
  readonly actor: string;
  /** What it was done to: a thing name, certificate id, claim id, … */
  readonly subject: string;
  readonly atMs: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** An entry as stored. `body` is the exact text whose leaf hash entered the tree: SHA-256(0x00 ‖ body). */
export interface AuditEntry {
  /** Position in the tree, from 0, without gaps. */
  readonly index: number;
  readonly body: string;
  /** Lower-case hexadecimal. */
  readonly leafHash: string;
}

/** C2SP tlog-checkpoint: origin, size, root hash, extension lines, signed note signatures. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly rootHash: string;
  readonly atMs: number;
  readonly note: string;
  /** Hashes of the full subtrees that make up the tree, largest first: enough to append to it after a restart. */
  readonly frontier: readonly string[];
}

export interface AuditStore {
  /** Entries from `fromIndex`, at most `limit`. */
  entries(fromIndex: number, limit: number): Promise<readonly AuditEntry[]>;
  entryCount(): Promise<number>;
  latestCheckpoint(): Promise<StoredCheckpoint | undefined>;
  saveCheckpoint(checkpoint: StoredCheckpoint): Promise<void>;
  /** The newest kept, oldest first. */
  checkpoints(limit: number): Promise<readonly StoredCheckpoint[]>;
  /** What a checkpoint vouches for beside the tree: how much of each claim's quota is used. */
  claimUsage(): Promise<readonly ClaimUsage[]>;
}

export interface ClaimUsage {
  readonly claimId: string;
  readonly redeemed: number;
  /** Suspended or quarantined: a backup from before that must not open it again. */
  readonly closed?: true;
}

// A log for tests: what a store would hold, in two arrays.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { entryBody, leafHash } from "./leaf.ts";
import type { AuditEntry, AuditStore, StoredCheckpoint } from "./ports.ts";

export interface TestLog extends AuditStore {
  readonly kept: AuditEntry[];
  readonly signed: StoredCheckpoint[];
  write(subject: string): void;
  epoch(): Promise<number>;
}

export function testLog(): TestLog {
  const kept: AuditEntry[] = [];
  const signed: StoredCheckpoint[] = [];
  return {
    kept,
    signed,
    write(subject) {
      const body = entryBody({
        event: "thing.created",
        actor: "system",
        subject,
        atMs: kept.length,
        detail: { subject },
      });
      kept.push({ index: kept.length, body, leafHash: leafHash(body) });
    },
    entries: async (from, limit) => kept.slice(from, from + limit),
    entryCount: async () => kept.length,
    latestCheckpoint: async () => signed.at(-1),
    saveCheckpoint: async (checkpoint) => void signed.push(checkpoint),
    checkpoints: async (limit) => signed.slice(-limit),
    claimUsage: async () => [{ claimId: "claim-1", redeemed: kept.length }],
    epoch: async () => 1,
  };
}

export function auditKeys(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync("ed25519");
}

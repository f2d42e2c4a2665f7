// One per installation: appends what was written to the tree, signs a checkpoint within a second, keeps it and hands it out.
import type { KeyObject } from "node:crypto";
import type { Clock } from "../kit/clock.ts";
import { LIMITS } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { GrowingTree } from "./merkle.ts";
import type { AuditStore, StoredCheckpoint } from "./ports.ts";

export interface SequencerPorts {
  readonly store: AuditStore & { epoch(): Promise<number> };
  readonly clock: Clock;
  readonly log: Log;
  readonly origin: string;
  /** Ed25519. */
  readonly privateKey: KeyObject;
  /** Takes each signed checkpoint out of the database's reach: to a file beside it, a witness, a WORM store. */
  readonly publish: (note: string) => Promise<void> | void;
}

export interface Sequencer {
  /** Signs a checkpoint now if something was written since the last one. */
  checkpoint(): Promise<void>;
  /** Signs the last checkpoint and stops. */
  close(): Promise<void>;
}

/** Entries read between two turns of the event loop. */
const ENTRIES_AT_ONCE = 500;
/** Half of what is promised, so that reading and signing fit in the rest. */
const LOOK_EVERY_MS = LIMITS.checkpointMs / 2;

/** Takes up the tree where the last checkpoint left it. */
export async function startSequencer(ports: SequencerPorts): Promise<Sequencer> {
  const latest = await ports.store.latestCheckpoint();
  const tree = treeOf(latest);
  let running = Promise.resolve();
  let cancel = (): void => {};
  let isClosed = false;

  const checkpoint = (): Promise<void> => {
    running = running.catch(() => {}).then(() => advance(ports, tree));
    return running;
  };
  const schedule = (): void => {
    if (isClosed) return;
    cancel = ports.clock.after(LOOK_EVERY_MS, () => {
      checkpoint()
        // The entries are safe in the store; they enter the tree at the next try.
        .catch((error: unknown) => ports.log.error("The audit checkpoint could not be made.", { error: String(error) }))
        .finally(schedule);
    });
  };
  schedule();
  return {
    checkpoint,
    async close() {
      isClosed = true;
      cancel();
      await checkpoint();
    },
  };
}

function treeOf(latest: StoredCheckpoint | undefined): GrowingTree {
  if (latest === undefined) return new GrowingTree();
  const tree = new GrowingTree(latest);
  if (tree.root() === latest.rootHash) return tree;
  throw new Error(`The audit tree kept with checkpoint ${latest.size} does not have the root that was signed.`);
}

async function advance(ports: SequencerPorts, tree: GrowingTree): Promise<void> {
  const { store, clock, origin, privateKey } = ports;
  const signed = (await store.latestCheckpoint())?.size ?? 0;
  // Usage is read before the entries: what a checkpoint vouches for is never more than its entries tell.
  const [claims, epoch] = [await store.claimUsage(), await store.epoch()];
  for (;;) {
    const entries = await store.entries(tree.size, ENTRIES_AT_ONCE);
    for (const entry of entries) tree.append(entry.leafHash);
    if (entries.length < ENTRIES_AT_ONCE) break;
  }
  if (tree.size === signed) return;
  const { size } = tree;
  const rootHash = tree.root();
  const atMs = clock.now();
  const note = signCheckpoint({ origin, size, rootHash, atMs, epoch, claims }, privateKey);
  await store.saveCheckpoint({ size, rootHash, atMs, note, frontier: tree.frontier });
  await ports.publish(note);
}

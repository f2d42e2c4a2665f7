import type { Clock } from "../kit/clock.ts";
import type { ClaimId } from "../vocabulary/ids.ts";
import { networkOf } from "./networks.ts";
import type { AdmissionStore, EventStore } from "./ports.ts";

export interface NetworkNotesPorts {
  readonly clock: Clock;
  readonly store: Pick<AdmissionStore, "noteClaimNetwork"> & EventStore;
}

/** From which networks a claim is used, and that a network is new. */
export interface NetworkNotes {
  /** Resolves at once for a network that is known; a new one is on record when this resolves. */
  note(claimId: ClaimId, from: { readonly clientId: string; readonly remoteAddress: string }): Promise<void>;
}

/** Uses that wait to be written, while earlier ones are. */
interface Tally {
  waiting: number;
  writing: boolean;
}

/** Networks whose uses are tallied here; a claim is used from few. Those beyond are written one by one. */
const TALLIED = 1000;

/**
 * A factory's thousand devices a minute come from one network. That it is known is told by memory, and their uses are counted
 * behind their backs, one write at a time, so that they cost neither a commit of their own nor a wait before CONNACK.
 */
export function createNetworkNotes(ports: NetworkNotesPorts): NetworkNotes {
  const tallies = new Map<string, Tally>();
  return {
    async note(claimId, from) {
      const network = networkOf(from.remoteAddress);
      const key = `${claimId} ${network}`;
      const tally = tallies.get(key);
      if (tally === undefined) {
        await noteFirst(ports, { claimId, network, ...from });
        if (tallies.size < TALLIED) tallies.set(key, tallies.get(key) ?? { waiting: 0, writing: false });
        return;
      }
      tally.waiting++;
      if (tally.writing) return;
      // A count that cannot be written is lost; the next use waits for its own write again and hears why it fails.
      void writeTally(ports, tally, { claimId, network }).catch(() => tallies.delete(key));
    },
  };
}

async function writeTally(
  { clock, store }: NetworkNotesPorts,
  tally: Tally,
  of: { readonly claimId: ClaimId; readonly network: string },
): Promise<void> {
  tally.writing = true;
  while (tally.waiting > 0) {
    const times = tally.waiting;
    tally.waiting = 0;
    await store.noteClaimNetwork(of.claimId, of.network, clock.now(), times);
  }
  tally.writing = false;
}

/** The first use since this process began; the store knows whether it is the first of all. */
async function noteFirst(
  { clock, store }: NetworkNotesPorts,
  use: {
    readonly claimId: ClaimId;
    readonly network: string;
    readonly clientId: string;
    readonly remoteAddress: string;
  },
): Promise<void> {
  const { claimId, network, clientId, remoteAddress } = use;
  const atMs = clock.now();
  const isNew = await store.noteClaimNetwork(claimId, network, atMs);
  if (!isNew) return;
  await store.saveEvent({
    atMs,
    kind: "claim.network",
    reason: undefined,
    message: `The claim is used from ${network} for the first time.`,
    certificateId: undefined,
    claimId,
    thingName: undefined,
    clientId,
    remoteAddress,
  });
}

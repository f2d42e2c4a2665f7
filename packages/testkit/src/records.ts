// What the server wrote down, as operators read it.
import type { World } from "./world.ts";

/** One refusal on record: an event, or an attempt that was denied. */
export interface Recorded {
  readonly reason: string;
  readonly message: string;
}

/** Reads again and again until it is there: events are written behind the answer. */
const READS = 200;

/** Every reason on record for this client id: events and attempts. */
export async function recordedFor(world: World, clientId: string): Promise<readonly Recorded[]> {
  const [events, attempts] = await Promise.all([world.admin.listEvents({}), world.admin.listAttempts({})]);
  return [...events.items, ...attempts.items].flatMap((record) =>
    record.clientId === clientId && record.reason !== null
      ? [{ reason: record.reason, message: record.message ?? "" }]
      : [],
  );
}

/** Resolves with the record of this reason; rejects, saying what is there instead, when it does not come. */
export async function untilRecorded(world: World, clientId: string, reason: string): Promise<Recorded> {
  let known: readonly Recorded[] = [];
  for (let read = 0; read < READS; read++) {
    known = await recordedFor(world, clientId);
    const found = known.find((record) => record.reason === reason);
    if (found !== undefined) return found;
  }
  throw new Error(
    `No ${reason} on record for ${clientId}; there is ${known.map((record) => record.reason).join(", ")}.`,
  );
}

/** Resolves when an event of this reason exists, whoever it concerns. */
export async function untilEvent(world: World, reason: string): Promise<Recorded> {
  for (let read = 0; read < READS; read++) {
    const found = (await world.admin.listEvents({})).items.find((event) => event.reason === reason);
    if (found !== undefined) return { reason, message: found.message };
  }
  throw new Error(`No event says ${reason}.`);
}

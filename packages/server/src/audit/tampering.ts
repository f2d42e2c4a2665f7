// What an attacker with full access to an export, or to the database beneath it, may do; for the tests.

import { ManualClock } from "../kit/clock.ts";
import { silentLog } from "../kit/log.ts";
import { exportAudit } from "./export.ts";
import { leafHash } from "./leaf.ts";
import { startSequencer } from "./sequencer.ts";
import { auditKeys, testLog } from "./testing.ts";
import type { VerifyOptions } from "./verify.ts";

export interface TestExport {
  readonly lines: readonly string[];
  readonly entries: number;
  /** What an auditor keeps elsewhere. */
  readonly kept: Required<VerifyOptions>;
}

/** A log with a checkpoint after every few entries. */
export async function testExport(entries: number, everyEntries: number): Promise<TestExport> {
  const store = testLog();
  const keys = auditKeys();
  const ports = { store, clock: new ManualClock(), log: silentLog, origin: "log.example", privateKey: keys.privateKey };
  const published: string[] = [];
  const sequencer = await startSequencer({ ...ports, publish: (note) => void published.push(note) });
  for (let i = 0; i < entries; i++) {
    store.write(`thing-${i}`);
    if (i % everyEntries === 0) await sequencer.checkpoint();
  }
  await sequencer.close();
  const lines: string[] = [];
  for await (const line of exportAudit(store, { origin: "log.example", publicKey: keys.publicKey })) lines.push(line);
  return { lines, entries, kept: { publicKey: keys.publicKey, checkpoint: published.at(-1) ?? "" } };
}

export interface Tampered {
  readonly how: string;
  readonly lines: readonly string[];
  /** The first entry that is not what it was. */
  readonly index: number;
}

/** Numbers below a bound, from a seed: a failing tampering can be repeated. */
export function seededChoice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Entry {
  readonly type: "entry";
  readonly index: number;
  readonly leafHash: string;
  readonly body: string;
}

/** One random tampering. */
export function tamper({ lines, entries }: TestExport, choose: (below: number) => number): Tampered {
  const kinds = [editBody, editBodyAndHash, removeEntry, removeAndRenumber, swap, truncate, rollBack] as const;
  const kind = kinds[choose(kinds.length)] as (typeof kinds)[number];
  const index = choose(kind === swap ? entries - 1 : entries);
  return { how: `${kind.name} at ${index}`, lines: kind([...lines], index), index };
}

function placeOf(lines: readonly string[], index: number): number {
  return lines.findIndex((line) => line.startsWith(`{"type":"entry","index":${index},`));
}

function entryAt(lines: readonly string[], index: number): Entry {
  return JSON.parse(lines[placeOf(lines, index)] as string) as Entry;
}

function replace(lines: string[], index: number, entry: Entry): string[] {
  lines[placeOf(lines, index)] = JSON.stringify(entry);
  return lines;
}

function editBody(lines: string[], index: number): string[] {
  const entry = entryAt(lines, index);
  return replace(lines, index, { ...entry, body: entry.body.replace("thing.created", "thing.retired") });
}

function editBodyAndHash(lines: string[], index: number): string[] {
  const entry = entryAt(lines, index);
  const body = entry.body.replace("thing.created", "thing.retired");
  return replace(lines, index, { ...entry, body, leafHash: leafHash(body) });
}

function removeEntry(lines: string[], index: number): string[] {
  lines.splice(placeOf(lines, index), 1);
  return lines;
}

function removeAndRenumber(lines: string[], index: number): string[] {
  return removeEntry(lines, index).map((line) => {
    const parsed = JSON.parse(line) as Entry;
    return parsed.type === "entry" && parsed.index > index
      ? JSON.stringify({ ...parsed, index: parsed.index - 1 })
      : line;
  });
}

/** Two neighbours change places, and numbers. */
function swap(lines: string[], index: number): string[] {
  const [first, second] = [entryAt(lines, index), entryAt(lines, index + 1)];
  const swapped = replace(lines, index, { ...second, index });
  return replace(swapped, index + 1, { ...first, index: index + 1 });
}

/** The end goes, its checkpoints stay. */
function truncate(lines: string[], index: number): string[] {
  return lines.filter((line) => {
    const parsed = JSON.parse(line) as Entry;
    return parsed.type !== "entry" || parsed.index < index;
  });
}

/** The end goes with its checkpoints: the export is as it was at an earlier time. */
function rollBack(lines: string[], index: number): string[] {
  return lines.slice(0, placeOf(lines, index));
}

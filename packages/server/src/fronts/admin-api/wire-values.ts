import { Fault } from "../../kit/fault.ts";

/** ISO 8601 in UTC, as the wire has every time. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The record, or the fault that names what was looked for. */
export function found<Record>(record: Record | undefined, what: string): Record {
  if (record === undefined) throw new Fault("not_found", `There is no ${what}.`);
  return record;
}

/** A page of the store as the wire has it. */
export function pageView<Item, View>(
  page: { readonly items: readonly Item[]; readonly next: string | undefined },
  view: (item: Item) => View,
): { items: View[]; next: string | null } {
  return { items: page.items.map(view), next: page.next ?? null };
}

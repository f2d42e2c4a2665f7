/** What every paged list operation takes and answers. */
type PagedOperation<Query, Item> = (
  input: Query & { limit?: number; cursor?: string },
) => Promise<{ items: Item[]; next: string | null }>;

/**
 * Every item of a paged list, fetched a page at a time as it is walked.
 *
 * @example
 * ```ts
 * for await (const attempt of items(client.listAttempts, { outcome: "denied" })) console.log(attempt.message);
 * ```
 */
export async function* items<Query extends object, Item>(
  list: PagedOperation<Query, Item>,
  query: Query,
): AsyncIterable<Item> {
  let cursor: string | null = null;
  do {
    const page: { items: Item[]; next: string | null } = await list({ ...query, ...(cursor !== null && { cursor }) });
    yield* page.items;
    cursor = page.next;
  } while (cursor !== null);
}

/** The first `limit` of what an iterable yields, or all of it. */
export async function take<Item>(iterable: AsyncIterable<Item>, limit: number | undefined): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of iterable) {
    taken.push(item);
    if (taken.length === limit) break;
  }
  return taken;
}

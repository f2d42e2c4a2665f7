import { availableParallelism } from "node:os";

/** Runs the task for each item, as many at once as there are processors; the first failure ends it. */
export async function inParallel<Item>(items: readonly Item[], task: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

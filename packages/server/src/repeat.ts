import type { Clock } from "./kit/clock.ts";
import type { Log } from "./kit/log.ts";

/** Runs a chore again and again, never twice at once; a failure is logged and the next round tries again. Returns what ends it. */
export function repeat(
  clock: Clock,
  log: Log,
  chore: { readonly everyMs: number; readonly run: () => Promise<void> },
): () => Promise<void> {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let cancel = clock.after(chore.everyMs, round);
  function round(): void {
    running = chore
      .run()
      .catch((error: unknown) => log.error("A regular task failed; it will be tried again.", { error }))
      .then(() => {
        if (!stopped) cancel = clock.after(chore.everyMs, round);
      });
  }
  return async () => {
    stopped = true;
    cancel();
    await running;
  };
}

import type { Changes } from "../broker/ports.ts";
import type { Log } from "../kit/log.ts";
import type { Runner } from "./assemble.ts";

const CHANGES_AT_ONCE = 1000;

/** The change log as the broker reads it, and the nudge after a commit that wrote to it. */
export function createChanges(runner: Pick<Runner, "read">, log: Log): Changes & { nudge(): void } {
  const listeners = new Set<() => void>();
  return {
    since: (sequence) => runner.read((rows) => rows.changes(sequence, CHANGES_AT_ONCE)),
    latest: () => runner.read((rows) => rows.latestChange()),
    onNudge(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    nudge() {
      for (const listener of listeners) {
        try {
          listener();
        } catch (error) {
          // A listener's mistake must not look like a failed commit to whoever wrote.
          log.error("A listener of the change log failed.", { error: String(error) });
        }
      }
    },
  };
}

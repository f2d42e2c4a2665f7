export { type ExitCode, run } from "./run.ts";
export type { ServerEntry } from "./server-entry.ts";
export type { Terminal } from "./terminal.ts";

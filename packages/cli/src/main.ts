import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

// A reader that leaves early (`| head`) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await run(process.argv.slice(2), processTerminal());

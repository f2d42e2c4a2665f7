import { type Command, CommanderError } from "commander";
import { explainError, UsageError } from "./errors.ts";
import { createProgram } from "./program.ts";
import { loadServer, type ServerEntry } from "./server-entry.ts";
import type { Terminal } from "./terminal.ts";

/** Done; refused or failed; wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** Runs one command line and says how it ended. Never throws. */
export async function run(
  argv: readonly string[],
  terminal: Terminal,
  load: () => Promise<ServerEntry> = loadServer,
): Promise<ExitCode> {
  let code: ExitCode = 0;
  const fail = () => {
    code = 1;
  };
  const program = createProgram({ terminal, loadServer: load, fail });
  forEachCommand(program, (command) => prepare(command, terminal));
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    // Commander has said what it had to say already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.err(explainError(error, commandLine(argv)));
    return error instanceof UsageError ? 2 : 1;
  }
}

function prepare(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
    getOutHelpWidth: () => terminal.width,
    getErrHelpWidth: () => terminal.width,
    outputError: (text, write) =>
      write(
        `${text.trim().replaceAll("\n", " ")}\n  where: ${fullName(command)}\n  fix:   \`${fullName(command)} --help\` shows how it is used.\n`,
      ),
  });
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function forEachCommand(command: Command, action: (command: Command) => void): void {
  action(command);
  for (const child of command.commands) forEachCommand(child, action);
}

/** What was called, up to the first flag: `fleetmint thing show camera-1`. Flags may carry what should not be repeated. */
function commandLine(argv: readonly string[]): string {
  const firstFlag = argv.findIndex((word) => word.startsWith("-"));
  return ["fleetmint", ...(firstFlag === -1 ? argv : argv.slice(0, firstFlag))].join(" ");
}

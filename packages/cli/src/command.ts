import type { Client } from "@fleetmint/sdk";
import { type Command, Option } from "commander";
import { connect, type ServerFlags } from "./connect.ts";
import { createOutput, type Format, type Output } from "./output/output.ts";
import type { ServerEntry } from "./server-entry.ts";
import type { Terminal } from "./terminal.ts";

/** What every command is made with. */
export interface Context {
  readonly terminal: Terminal;
  /** Loads the server package; only `init`, `serve`, `restore` and `audit verify` do. */
  loadServer(): Promise<ServerEntry>;
  /** The command did its work and found bad news: exit code 1. */
  fail(): void;
}

export interface Remote {
  readonly client: Client;
  readonly output: Output;
}

/** A command that talks to a running server. */
export function remoteCommand<Options extends object>(
  command: Command,
  context: Context,
  run: (remote: Remote, args: readonly string[], options: Options) => Promise<void>,
): Command {
  command
    .optionsGroup("Server:")
    .option("--data <dir>", "the server's data folder, on its own machine (or FLEETMINT_DATA)")
    .option("--server <url>", "the server's address, with a token in FLEETMINT_TOKEN (or FLEETMINT_SERVER)")
    .option("--ca <file>", "with --server: the installation's CA (or FLEETMINT_CA)");
  return localCommand<Options & ServerFlags>(command, context, async (output, args, options) => {
    const { client } = connect(options, context.terminal);
    await using _ = client;
    await run({ client, output }, args, options);
  });
}

/** A command that works by itself. */
export function localCommand<Options extends object>(
  command: Command,
  context: Context,
  run: (output: Output, args: readonly string[], options: Options) => Promise<void>,
): Command {
  return command
    .optionsGroup("Output:")
    .addOption(
      new Option("-o, --output <format>", "for people or for programs").choices(["table", "json"]).default("table"),
    )
    .action(async () => {
      const options = command.opts<Options & { readonly output: Format }>();
      await run(createOutput(context.terminal, options.output, context.fail), command.processedArgs.flat(), options);
    });
}

/** Examples under a command's help, each with what it is for. */
export function examples(command: Command, ...lines: readonly (readonly [why: string, line: string])[]): Command {
  const text = lines.map(([why, line]) => `  # ${why}\n  ${line}`).join("\n\n");
  return command.addHelpText("after", `\nExamples:\n${text}`);
}

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { AgentFault } from "../agent-fault.ts";
import { exportCommand } from "./export-command.ts";
import { EXPORT_HELP, PROVISION_HELP, ROOT_HELP, RUN_HELP, STATUS_HELP } from "./help.ts";
import { type OutputFormat, processOutput, reportFault } from "./output.ts";
import { provisionCommand } from "./provision-command.ts";
import { runCommand } from "./run-command.ts";
import { statusCommand } from "./status-command.ts";

export const DEFAULT_CONFIG = "/etc/fleetmint/agent.json";
const DEFAULT_TIMEOUT_SECONDS = 300;

/** Runs one command and returns its exit code: 0 done, 1 refused or failed, 2 wrong usage. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const finish = (code: number): void => {
    exitCode = code;
  };
  try {
    await buildProgram(finish).parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

interface SharedOptions {
  readonly config: string;
  readonly output: OutputFormat;
}

function buildProgram(finish: (exitCode: number) => void): Command {
  const program = new Command("fleetmint-agent")
    .description("Obtains a device's identity with a claim, keeps it safe, keeps it connected and renews it in time.")
    .addHelpText("after", ROOT_HELP)
    .exitOverride();

  command(program, "provision", "turn the claim into an identity that has connected; safe to run again", PROVISION_HELP)
    .option("--timeout <seconds>", "how long to keep trying what time mends", seconds, DEFAULT_TIMEOUT_SECONDS)
    .option("--again", "forget the present identity or an unfinished attempt, and begin again with the claim", false)
    .action(guarded(finish, provisionCommand));
  command(program, "run", "keep connected, send heartbeats, renew; provisions first where needed", RUN_HELP).action(
    guarded(finish, runCommand),
  );
  command(program, "status", "show the stored identity; connects to nobody", STATUS_HELP).action(
    guarded(finish, statusCommand),
  );
  command(program, "export", "write the identity as PEM files for other programs", EXPORT_HELP)
    .requiredOption("--out <folder>", "where to write device.cert.pem, device.key.pem and ca.pem")
    .action(guarded(finish, exportCommand));
  return program;
}

function command(program: Command, name: string, summary: string, help: string): Command {
  return program
    .command(name)
    .description(summary)
    .option("-c, --config <file>", "configuration file, as the AWS IoT Device Client has it", DEFAULT_CONFIG)
    .addOption(
      new Option("-o, --output <format>", "what standard output gets").choices(["text", "json"]).default("text"),
    )
    .addHelpText("after", help);
}

/** What we foresaw becomes three lines and an exit code; a bug stays a stack trace. */
function guarded<Options extends SharedOptions>(
  finish: (exitCode: number) => void,
  action: (options: Options, output: ReturnType<typeof processOutput>) => Promise<number>,
): (options: Options) => Promise<void> {
  return async (options) => {
    const output = processOutput(options.output);
    try {
      finish(await action(options, output));
    } catch (error) {
      if (!(error instanceof AgentFault)) throw error;
      finish(reportFault(output, error));
    }
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("Give a whole number of seconds from 0 to 86400.");
}

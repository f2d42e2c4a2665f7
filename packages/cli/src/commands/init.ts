import type { Command } from "commander";
import { type Context, examples, localCommand } from "../command.ts";
import { repeated } from "../input/numbers.ts";
import { facts } from "../output/text.ts";

interface InitOptions {
  readonly data: string;
  readonly hostname?: readonly string[];
  readonly caPassphraseFile?: string;
}

/** `fleetmint init` */
export function addInit(program: Command, context: Context): void {
  const command = program
    .command("init")
    .description("make a data folder: CA, keys, store, the first administrator")
    .requiredOption("--data <dir>", "where; it must not exist or be empty")
    .option("--hostname <name>", "a name or address that devices reach the server by; may be repeated", repeated)
    .option("--ca-passphrase-file <file>", "lock the CA's key with the passphrase in this file");
  examples(
    command,
    ["To try it on this machine", "fleetmint init --data ./fleet"],
    [
      "For devices elsewhere",
      "fleetmint init --data /var/lib/fleetmint --hostname fleet.example --hostname 192.0.2.10",
    ],
  );
  localCommand<InitOptions>(command, context, async (output, _, options) => {
    const server = await context.loadServer();
    const made = await server.initialize({
      folder: options.data,
      hostNames: options.hostname ?? [],
      passphraseFile: options.caPassphraseFile,
    });
    output.answer(made, () => {
      const told = facts([
        ["data folder", made.dataFolder],
        ["host names", made.hostNames.join(", ")],
        ["devices trust", made.caFile],
        ["administrator", `${made.adminFile} (its token; only you may read it)`],
      ]);
      return `${told}\nNext: fleetmint serve --data ${options.data}\n`;
    });
  });
}

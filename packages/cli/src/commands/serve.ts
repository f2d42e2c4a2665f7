import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { type Context, examples, localCommand } from "../command.ts";
import { wholeNumber } from "../input/numbers.ts";

interface ServeOptions {
  readonly data: string;
  readonly output: string;
  readonly [flag: string]: unknown;
}

const port = wholeNumber(0, 65_535);

/** `fleetmint serve` */
export function addServe(program: Command, context: Context): void {
  const command = program
    .command("serve")
    .description("serve devices and administrators until it is told to end")
    .addOption(new Option("--data <dir>", "the folder that `init` made").env("FLEETMINT_DATA").makeOptionMandatory())
    .option("--mqtt-port <port>", "for devices (default 8883; 0 takes a free one)", port)
    .option("--http-port <port>", "for administrators (default 8443; 0 takes a free one)", port)
    .option("--host <address>", "listen here (default 127.0.0.1; 0.0.0.0 for every network)")
    .option("--ready-file <file>", "write ports, pid and caFile there as JSON once it serves")
    .option("--ca-passphrase-file <file>", "unlocks the CA's key, if `init` was given one")
    .option(
      "--accept-clock",
      "issue although earlier certificates are dated later: the clock was ahead and is right now",
    )
    .option("--log-level <level>", "info, warn, error or silent")
    .option("--workers <n>", "processes; more than one needs --store and --bus", wholeNumber(1, 256))
    .option("--store <url>", "a PostgreSQL database instead of the data folder's own store")
    .option("--bus <url>", "the NATS server that several processes share");
  examples(
    command,
    ["On this machine only", "fleetmint serve --data ./fleet"],
    [
      "For a factory's network; settings may also stand in DIR/fleetmint.yaml",
      "fleetmint serve --data /var/lib/fleetmint --host 0.0.0.0",
    ],
    [
      "From a script: free ports, and a file that says which",
      "fleetmint serve --data ./fleet --mqtt-port 0 --http-port 0 --ready-file ready.json",
    ],
  );
  localCommand<ServeOptions>(command, context, async (output, _, { data, output: _format, ...flags }) => {
    const { terminal, loadServer } = context;
    const server = await loadServer();
    let answered = false;
    await server.serve({
      folder: data,
      flags,
      environment: terminal.environment,
      say(line) {
        if (output.format === "table") terminal.out(`${line}\n`);
        // By the first line every listener is up and the folder says where; a program gets that once.
        else if (!answered) terminal.out(readFileSync(join(data, "serve.json"), "utf8"));
        answered = true;
      },
      untilStopped: terminal.untilStopped(),
    });
  });
}

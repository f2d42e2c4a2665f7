// The main job, start to end: `npm run demo`. A server of its own, a template with a hook, a claim, three devices: our agent, an
// unmodified AWS SDK, and one that is refused. Everything it does is a command that it prints, so that it can be repeated by hand.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type DemoDevice, provisionAll } from "./devices.ts";
import { prepareFleet } from "./fleet.ts";
import { createNarrator } from "./narrator.ts";
import { startDemoServer } from "./server.ts";

const USAGE = `Shows Fleetmint at work: npm run demo -- [--once] [--keep DIR] [-o json]

  --once       end after the table, with 0 only if everything was as it should be
  --keep DIR   leave the server's folder and all credentials in DIR
  -o json      print {"devices":[…]} instead of the story
  --help       this text
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const folder = options.keep === undefined ? mkdtempSync(join(tmpdir(), "fleetmint-demo-")) : keepFolder(options.keep);
  try {
    return await runDemo(folder, options);
  } catch (error) {
    process.stderr.write(`The demo stopped: ${(error as Error).message}\n`);
    return 1;
  } finally {
    if (options.keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

interface Options {
  readonly once: boolean;
  readonly keep: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      once: { type: "boolean", default: false },
      keep: { type: "string" },
      output: { type: "string", short: "o", default: "text" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.output !== "text" && values.output !== "json")
    throw new Error(`-o takes text or json, not "${values.output}".`);
  return { once: values.once, keep: values.keep, json: values.output === "json", help: values.help };
}

function keepFolder(path: string): string {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

async function runDemo(folder: string, options: Options): Promise<number> {
  const narrator = createNarrator(options.json);
  await using server = await startDemoServer(folder, narrator);
  const fleet = await prepareFleet(server, folder, narrator);
  const devices = await provisionAll(server, fleet, { folder, narrator });
  narrator.table(devices);
  const asItShouldBe = devices.every((device) => device.outcome === device.expected);
  if (!asItShouldBe) narrator.say("Something was not as it should be; see the attempts above.");
  if (!options.once && !options.json) {
    narrator.whatToTry({ folder, kept: options.keep !== undefined, server, fleet });
    await untilInterrupted();
  }
  return asItShouldBe ? 0 : 1;
}

function untilInterrupted(): Promise<void> {
  return new Promise((done) => {
    // Something must keep the process alive while it waits for a signal.
    const keepAlive = setInterval(() => undefined, 60_000);
    const stop = (): void => {
      clearInterval(keepAlive);
      done();
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    // Whoever started the demo is gone.
    process.once("disconnect", stop);
  });
}

export type { DemoDevice };

/** What this page needs of the command line's package, which the tools do not build against. */
interface CommandLine {
  run(argv: readonly string[], terminal: Terminal): Promise<number>;
}

interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly width: number;
  readonly colour: boolean;
  untilStopped(): Promise<void>;
}

const COMMAND_LINE = new URL("../../packages/cli/src/index.ts", import.meta.url).href;
const WIDTH = 110;

/** The help of every command, in the order in which the program lists them. */
export async function commandLinePage(): Promise<string> {
  const { run } = (await import(COMMAND_LINE)) as CommandLine;
  const sections: string[] = [];
  const describe = async (command: readonly string[]): Promise<void> => {
    const help = await helpOf(run, command);
    const level = "#".repeat(Math.min(2 + Math.max(0, command.length - 1), 3));
    sections.push(`${level} fleetmint${command.map((word) => ` ${word}`).join("")}\n\n\`\`\`\n${help}\n\`\`\`\n`);
    for (const name of commandsIn(help)) await describe([...command, name]);
  };
  await describe([]);
  return [
    "# Command line",
    "",
    "Every command takes `-o json` and ends with 0 (done), 1 (refused or failed) or 2 (wrong usage). In a checkout the program is",
    "`npx fleetmint`. Settings of `serve` that have no flag are in [settings](settings.md); the agent has [a page of its",
    "own](../guides/agent.md).",
    "",
    "Commands that talk to a running server find it by `--data DIR` (or `FLEETMINT_DATA`) on its own machine, or by `--server URL` (or",
    "`FLEETMINT_SERVER`) with a token in `FLEETMINT_TOKEN` and the installation's `ca.pem` in `--ca FILE` (or `FLEETMINT_CA`). These flags,",
    "`-o` and `--help` are left out below.",
    "",
    "This page is generated from `packages/cli` by `npm run docs`.",
    "",
    sections.join("\n"),
  ].join("\n");
}

async function helpOf(run: CommandLine["run"], command: readonly string[]): Promise<string> {
  let help = "";
  const terminal: Terminal = {
    out: (text) => {
      help += text;
    },
    err: () => undefined,
    environment: {},
    width: WIDTH,
    colour: false,
    untilStopped: () => Promise.resolve(),
  };
  await run([...command, "--help"], terminal);
  return withoutCommonFlags(help.trim());
}

/** What every command has is said once at the top of the page. */
function withoutCommonFlags(help: string): string {
  const paragraphs = help.split("\n\n").map((paragraph) =>
    paragraph
      .split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => !/^ {2}-h, --help /.test(line))
      .join("\n"),
  );
  return paragraphs.filter((paragraph) => !/^(Server:\n {2}--data|Output:\n|Options:$)/.test(paragraph)).join("\n\n");
}

/** Commander lists commands under headings of its own choice; their lines are `  name [options] …  description`. */
function commandsIn(help: string): string[] {
  const names: string[] = [];
  let listing = false;
  for (const line of help.split("\n")) {
    if (/^\S.*:$/.test(line)) listing = !/^(Options|Arguments|Server|Output|Examples|Its )/.test(line);
    const name = /^ {2}([a-z]+)(?: |$)/.exec(line)?.[1];
    if (listing && name !== undefined && name !== "help" && name !== "fleetmint") names.push(name);
  }
  return names;
}

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { AuditEntry } from "@fleetmint/sdk";
import type { Command } from "commander";
import { type Context, examples, localCommand, remoteCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import { readInput, reasonOf } from "../input/files.ts";
import { wholeNumber } from "../input/numbers.ts";
import type { Column } from "../output/table.ts";
import { count, facts, moment } from "../output/text.ts";
import { writeExport } from "./audit-export.ts";

/** `fleetmint audit …` */
export function addAuditCommands(program: Command, context: Context): void {
  const audit = program.command("audit").description("the log of everything that was changed, and its proof");
  addLog(audit, context);
  addExport(audit, context);
  addVerify(audit, context);
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: "index", value: ({ index }) => String(index) },
  { title: "at (UTC)", value: ({ at }) => moment(at) },
  { title: "event", value: ({ event }) => event },
  { title: "subject", value: ({ subject }) => subject, flexible: true },
  { title: "by", value: ({ actor }) => actor, flexible: true },
];

interface LogOptions {
  readonly from?: number;
  readonly limit: number;
}

function addLog(audit: Command, context: Context): void {
  const command = audit
    .command("log")
    .description("read the newest entries, oldest of them first")
    .option("--from <index>", "from this index on instead", wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option("--limit <n>", "at most so many", wholeNumber(1, 250), 50);
  examples(command, ["What was done lately, and by whom", "fleetmint audit log --data ./fleet"]);
  remoteCommand<LogOptions>(command, context, async ({ client, output }, _, { from, limit }) => {
    const first = from ?? Math.max(0, (await client.listAuditEntries({ limit: 1 })).size - limit);
    const { items } = await client.listAuditEntries({ from: first, limit });
    output.rows(items, COLUMNS, "There are no entries.");
  });
}

function addExport(audit: Command, context: Context): void {
  const command = audit
    .command("export")
    .description("write the whole log with its checkpoint, for `audit verify` and for auditors")
    .requiredOption("--out <file>", "where; it must not exist");
  examples(command, [
    "Then verify it anywhere, without the server",
    "fleetmint audit export --out audit.ndjson --data ./fleet\n  fleetmint audit verify audit.ndjson",
  ]);
  remoteCommand<{ out: string }>(command, context, async ({ client, output }, _, { out }) => {
    const lines = await writeExport(out, await client.exportAudit());
    output.answer({ path: out, lines }, () => `${count(lines, "line")} written to ${out}.`);
  });
}

function addVerify(audit: Command, context: Context): void {
  const command = audit
    .command("verify")
    .argument("<file>", "what `audit export` wrote")
    .description("check an export without the server: every entry, the tree, the signed checkpoint")
    .option("--key <file>", "the installation's audit.pub.pem; without it the export's own key is believed");
  examples(command, [
    "With the key that was kept elsewhere",
    "fleetmint audit verify audit.ndjson --key audit.pub.pem",
  ]);
  localCommand<{ key?: string }>(command, context, async (output, [file], { key }) => {
    const publicKeyPem = key === undefined ? undefined : readInput(key, "--key", 16 * 1024);
    const server = await context.loadServer();
    const verified = await server.verifyAuditExport(linesOf(file!), { publicKeyPem });
    output.answer(
      verified,
      () =>
        `The log holds.\n${facts([
          ["entries", String(verified.entries)],
          ["root hash", verified.rootHash],
          [
            "checkpoint",
            verified.checkpoint === undefined
              ? "none"
              : `${verified.checkpoint.origin}, signed at size ${verified.checkpoint.size}`,
          ],
        ])}`,
    );
  });
}

async function* linesOf(file: string): AsyncIterable<string> {
  try {
    yield* createInterface({ input: createReadStream(file, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new CommandError(reasonOf(cause), file, "Give the path of what `fleetmint audit export` wrote.", { cause });
  }
}

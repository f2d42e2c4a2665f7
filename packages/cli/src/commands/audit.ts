import { createPublicKey, type KeyObject } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { AuditEntry } from "@fleetmint/sdk";
import type { VerifyOptions, VerifyResult } from "@fleetmint/server";
import type { Command } from "commander";
import { type Context, examples, localCommand, remoteCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import { readInput, reasonOf } from "../input/files.ts";
import { wholeNumber } from "../input/numbers.ts";
import type { Column } from "../output/table.ts";
import { count, facts, moment, short } from "../output/text.ts";
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
  { title: "at (UTC)", value: ({ at }) => moment(at).slice(5) },
  { title: "event", value: ({ event }) => event },
  {
    title: "subject",
    value: ({ subject }) => (/^[0-9a-f]{64}$/.test(subject) ? short(subject) : subject),
    flexible: true,
  },
  { title: "by", value: ({ actor }) => actor.replace(/^account:/, ""), flexible: true },
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

interface VerifyFlags {
  readonly key?: string;
  readonly checkpoint?: string;
}

function addVerify(audit: Command, context: Context): void {
  const command = audit
    .command("verify")
    .argument("<file>", "what `audit export` wrote")
    .description("check an export without the server: every entry, the tree, the signed checkpoints")
    .option("--key <file>", "the installation's audit.pub.pem; without it the export's own key is believed")
    .option("--checkpoint <file>", "a checkpoint kept elsewhere; without it a cut-off end may go unnoticed");
  examples(command, [
    "With what was kept elsewhere",
    "fleetmint audit verify audit.ndjson --key audit.pub.pem --checkpoint checkpoint.txt",
  ]);
  localCommand<VerifyFlags>(command, context, async (output, [file], flags) => {
    const server = await context.loadServer();
    const result = await server.verifyExport(linesOf(file!), trustedFrom(flags));
    output.answer(result, () => verdict(result, flags));
    if (!result.ok) output.fail();
  });
}

function trustedFrom({ key, checkpoint }: VerifyFlags): VerifyOptions {
  return {
    ...(key !== undefined && { publicKey: readKey(key) }),
    ...(checkpoint !== undefined && { checkpoint: readInput(checkpoint, "--checkpoint", 64 * 1024) }),
  };
}

function readKey(path: string): KeyObject {
  const pem = readInput(path, "--key", 16 * 1024);
  try {
    return createPublicKey(pem);
  } catch (cause) {
    const fix = "Give the audit.pub.pem of the installation's data folder to --key.";
    throw new CommandError("The file holds no public key.", path, fix, { cause });
  }
}

/** What was proved, and what was not for want of something that was kept elsewhere. */
function verdict(result: VerifyResult, { key, checkpoint }: VerifyFlags): string {
  if (!result.ok)
    return `The log does not hold at entry ${result.firstBadIndex}: ${result.problem.replace(/\.$/, "")}.\n`;
  const proved = facts([
    ["origin", result.origin],
    ["entries", `${result.entries}, ${result.vouched} of them under ${count(result.checkpoints, "signed checkpoint")}`],
    ["key", key === undefined ? "the export's own: this proves consistency, not origin (--key proves both)" : "yours"],
    [
      "end",
      checkpoint === undefined
        ? "not proved (--checkpoint proves that nothing was cut off)"
        : "reaches your checkpoint",
    ],
  ]);
  return `The log holds.\n${proved}`;
}

async function* linesOf(file: string): AsyncIterable<string> {
  try {
    yield* createInterface({ input: createReadStream(file, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new CommandError(reasonOf(cause), file, "Give the path of what `fleetmint audit export` wrote.", { cause });
  }
}

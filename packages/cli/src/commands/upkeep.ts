import { resolve } from "node:path";
import type { Check } from "@fleetmint/sdk";
import type { Command } from "commander";
import { type Context, examples, localCommand, remoteCommand } from "../command.ts";
import { type Painter, toneOf } from "../output/paint.ts";
import { facts, wrap } from "../output/text.ts";

/** `fleetmint backup` */
export function addBackup(program: Command, context: Context): void {
  const command = program
    .command("backup")
    .description("write a backup while the server runs")
    .requiredOption("--out <file>", "where, on the server's machine; it must not exist");
  examples(command, ["Every night", "fleetmint backup --out /backup/fleet-$(date +%F).fmb --data /var/lib/fleetmint"]);
  remoteCommand<{ out: string }>(command, context, async ({ client, output }, _, { out }) => {
    const made = await client.createBackup({ path: resolve(out) });
    output.answer(made, () => `${made.bytes} bytes written to ${made.path}. Keep it as safe as the data folder.`);
  });
}

interface RestoreOptions {
  readonly data: string;
  readonly from: string;
  readonly checkpoint?: string;
  readonly caPassphraseFile?: string;
}

/** `fleetmint restore` */
export function addRestore(program: Command, context: Context): void {
  const command = program
    .command("restore")
    .description("put a backup in place of a data folder's database; pending tokens end, no serial is reused")
    .requiredOption("--data <dir>", "the data folder, with its keys; nobody may serve it meanwhile")
    .requiredOption("--from <file>", "the backup")
    .option("--checkpoint <file>", "the newest signed checkpoint, to reconcile quotas with (default: the folder's own)")
    .option("--ca-passphrase-file <file>", "unlocks the CA's key, if `init` was given one");
  examples(command, [
    "After a disk failed, in the folder with the saved keys",
    "fleetmint restore --data /var/lib/fleetmint --from fleet.fmb --checkpoint checkpoint.txt",
  ]);
  localCommand<RestoreOptions>(command, context, async (output, _, options) => {
    const server = await context.loadServer();
    const restored = await server.restore({
      folder: options.data,
      backupFile: options.from,
      checkpointFile: options.checkpoint,
      passphraseFile: options.caPassphraseFile,
    });
    output.answer({ dataFolder: resolve(options.data), ...restored }, () => {
      const notes = restored.notes.map((note) => `  ${wrap(note, output.paint.width, "  ")}\n`).join("");
      return `${facts([
        ["data folder", resolve(options.data)],
        ["epoch", String(restored.epoch)],
      ])}${notes}\nNext: fleetmint serve --data ${options.data}\n`;
    });
  });
}

/** `fleetmint doctor` */
export function addDoctor(program: Command, context: Context): void {
  const command = program.command("doctor").description("check the installation; 1 if something is broken");
  examples(command, ["After an upgrade, or when something is strange", "fleetmint doctor --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }) => {
    const result = await client.doctor();
    output.answer(result, () => result.items.map((check) => checkText(check, output.paint)).join(""));
    if (!result.ok) output.fail();
  });
}

const MARKS: Readonly<Record<Check["severity"], string>> = { ok: "✓", warning: "!", error: "✗" };

function checkText({ name, severity, message, remedy }: Check, paint: Painter): string {
  const mark = paint.tone(toneOf(severity), MARKS[severity]);
  const fix = severity === "ok" || remedy === null ? "" : `    → ${wrap(remedy, paint.width, "      ")}\n`;
  return `${mark} ${wrap(`${name}: ${message}`, paint.width, "    ")}\n${fix}`;
}

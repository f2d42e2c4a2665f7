import { basename } from "node:path";
import type { Input, Template, TemplateDetail } from "@fleetmint/sdk";
import { type Command, Option } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { readInput } from "../input/files.ts";
import { wholeNumber } from "../input/numbers.ts";
import { day, facts, moment, orDash } from "../output/text.ts";
import { findingsText } from "./findings.ts";
import { addExplain } from "./template-explain.ts";

const TEMPLATE_BYTES = 64 * 1024;
const HANDLER_BYTES = 1024 * 1024;

/** `fleetmint template …` */
export function addTemplateCommands(program: Command, context: Context): void {
  const template = program.command("template").description("what a device becomes when it is provisioned");
  addApply(template, context);
  addList(template, context);
  addShow(template, context);
  addVersions(template, context);
  addLint(template, context);
  addExplain(template, context);
}

interface ApplyOptions {
  readonly file?: string;
  /** False for `--no-hook`. */
  readonly hook?: string | false;
  readonly existingThing?: Template["existingThing"];
  readonly serialParameter?: string;
  readonly certificateDays?: number;
  readonly enable?: true;
  readonly disable?: true;
}

function addApply(template: Command, context: Context): void {
  const command = template
    .command("apply")
    .argument("<name>", "the template's name")
    .description("create a template, or change one")
    .option("--file <file>", "the template document (JSON, AWS's grammar); another text makes a new version")
    .option("--hook <url|file>", "who decides before a device is provisioned: an https URL, or a Node handler file")
    .option("--no-hook", "ask nobody any more")
    .addOption(
      new Option("--existing-thing <rule>", "when the thing has an active certificate already").choices([
        "refuse",
        "replace",
        "replace-all",
        "add",
      ]),
    )
    .option("--serial-parameter <name>", "the parameter that carries the serial number")
    .option("--certificate-days <n>", "lifetime of the devices' certificates", wholeNumber(1, 36_500))
    .option("--enable", "let it be used")
    .addOption(new Option("--disable", "refuse every device that asks for it").conflicts("enable"));
  examples(
    command,
    [
      "A template, and a handler that is asked first",
      "fleetmint template apply camera --file camera.json --hook check.mjs --data ./fleet",
    ],
    [
      "Only a setting: reset devices may come back once released",
      "fleetmint template apply camera --existing-thing replace --data ./fleet",
    ],
  );
  remoteCommand<ApplyOptions>(command, context, async ({ client, output }, [templateName], options) => {
    const applied = await client.applyTemplate(applyInput(templateName!, options));
    output.answer(applied, () => {
      const state = applied.changed
        ? `is at version ${applied.version} now`
        : `was like that already (version ${applied.version})`;
      const secret =
        applied.hookSecret === null ? "" : `The webhook's signing key, shown this once: ${applied.hookSecret}\n`;
      return `The template ${templateName} ${state}.\n${secret}${findingsText(applied.findings, output.paint)}`;
    });
  });
}

function applyInput(templateName: string, options: ApplyOptions): Input<"applyTemplate"> {
  const { file, hook, existingThing, serialParameter, certificateDays, enable, disable } = options;
  const change = {
    ...(file !== undefined && { body: readInput(file, "--file", TEMPLATE_BYTES) }),
    ...(hook !== undefined && { hook: hook === false ? null : hookOf(hook) }),
    ...(existingThing !== undefined && { existingThing }),
    ...(serialParameter !== undefined && { serialParameter }),
    ...(certificateDays !== undefined && { certificateDays }),
    ...(enable === true && { enabled: true }),
    ...(disable === true && { enabled: false }),
  };
  if (Object.keys(change).length > 0) return { templateName, ...change };
  throw new UsageError(
    "There is nothing to apply.",
    `fleetmint template apply ${templateName}`,
    "Give --file FILE, or a setting to change (see --help).",
  );
}

function hookOf(hook: string): NonNullable<Input<"applyTemplate">["hook"]> {
  if (/^https?:\/\//i.test(hook)) return { kind: "webhook", url: hook };
  return { kind: "handler", fileName: basename(hook), source: readInput(hook, "--hook", HANDLER_BYTES) };
}

function addList(template: Command, context: Context): void {
  const command = template.command("list").description("list templates");
  examples(command, ["All of them", "fleetmint template list --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }) => {
    const { items } = await client.listTemplates();
    output.rows(
      items,
      [
        { title: "template", value: ({ templateName }) => templateName, flexible: true },
        { title: "version", value: ({ defaultVersion }) => String(defaultVersion) },
        { title: "enabled", value: ({ enabled }) => (enabled ? "yes" : "no") },
        { title: "existing thing", value: ({ existingThing }) => existingThing },
        { title: "hook", value: ({ hook }) => orDash(hook?.target), flexible: true },
      ],
      "There are no templates. Apply one: `fleetmint template apply NAME --file FILE`.",
    );
  });
}

function addShow(template: Command, context: Context): void {
  const command = template
    .command("show")
    .argument("<name>", "the template's name")
    .description("show a template and its text");
  examples(command, [
    "Its text alone, to edit and apply again",
    "fleetmint template show camera -o json | jq -r .body > camera.json",
  ]);
  remoteCommand(command, context, async ({ client, output }, [templateName]) => {
    const detail = await client.getTemplate({ templateName: templateName! });
    output.answer(detail, () => describe(detail));
  });
}

function describe(template: TemplateDetail): string {
  const summary = facts([
    ["template", template.templateName],
    ["version", `${template.defaultVersion}, made ${day(template.createdAt)}`],
    ["enabled", template.enabled ? "yes" : "no"],
    ["existing thing", template.existingThing],
    ["serial parameter", template.serialParameter],
    ["certificates", `valid for ${template.certificateDays} days`],
    ["hook", template.hook === null ? "none" : `${template.hook.kind} ${template.hook.target}`],
  ]);
  return `${summary}\n${template.body}`;
}

function addVersions(template: Command, context: Context): void {
  const command = template
    .command("versions")
    .argument("<name>", "the template's name")
    .description("list a template's versions, newest first");
  examples(command, ["Which one devices meet", "fleetmint template versions camera --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }, [templateName]) => {
    const { items } = await client.listTemplateVersions({ templateName: templateName! });
    output.rows(
      items,
      [
        { title: "version", value: ({ version }) => String(version) },
        { title: "in force", value: (row) => (row.default ? "yes" : "no") },
        { title: "made (UTC)", value: ({ createdAt }) => moment(createdAt) },
        { title: "characters", value: ({ body }) => String(body.length) },
      ],
      "There are no versions.",
    );
  });
}

function addLint(template: Command, context: Context): void {
  const command = template
    .command("lint")
    .requiredOption("--file <file>", "the template document")
    .description("say what is wrong with a template, and where; 1 if something is an error");
  examples(command, ["Before it is applied", "fleetmint template lint --file camera.json --data ./fleet"]);
  remoteCommand<{ file: string }>(command, context, async ({ client, output }, _, { file }) => {
    const result = await client.lintTemplate({ body: readInput(file, "--file", TEMPLATE_BYTES) });
    output.answer(result, () => findingsText(result.findings, output.paint) || `Nothing is wrong with ${file}.`);
    if (!result.ok) output.fail();
  });
}

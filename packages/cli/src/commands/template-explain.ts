import type { Explanation } from "@fleetmint/sdk";
import type { Command } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { readInput } from "../input/files.ts";
import { repeated } from "../input/numbers.ts";
import type { Painter } from "../output/paint.ts";
import { facts, orDash, wrap } from "../output/text.ts";

interface ExplainOptions {
  readonly parameter?: readonly string[];
  readonly parameters?: string;
  readonly clientId?: string;
}

/** `fleetmint template explain` */
export function addExplain(template: Command, context: Context): void {
  const command = template
    .command("explain")
    .argument("<name>", "the template's name")
    .description("show what provisioning would do, without writing; 1 if it would be refused")
    .option("--parameter <name=value>", "a parameter as the device would send it; may be repeated", repeated)
    .option("--parameters <file>", "a JSON file with all of them")
    .option("--client-id <id>", "the device's MQTT client id");
  examples(
    command,
    ["What becomes of one device", "fleetmint template explain camera --parameter SerialNumber=SN-1 --data ./fleet"],
    [
      "With the parameters of a refused attempt",
      "fleetmint template explain camera --parameters sent.json --data ./fleet",
    ],
  );
  remoteCommand<ExplainOptions>(command, context, async ({ client, output }, [templateName], options) => {
    const { clientId } = options;
    const explanation = await client.explainTemplate({
      templateName: templateName!,
      parameters: parametersOf(options),
      ...(clientId !== undefined && { clientId }),
    });
    output.answer(explanation, () => story(explanation, output.paint));
    if (explanation.outcome === "denied") output.fail();
  });
}

function parametersOf({ parameter = [], parameters }: ExplainOptions): Record<string, string> {
  const fromFile = parameters === undefined ? {} : readParameters(parameters);
  const fromFlags = parameter.map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new UsageError(
      `"${text}" is no parameter.`,
      "--parameter",
      "Write it as NAME=VALUE, for example SerialNumber=SN-1.",
    );
  });
  return { ...fromFile, ...Object.fromEntries(fromFlags) };
}

function readParameters(path: string): Record<string, string> {
  const fix = "Write a JSON object whose values are all text.";
  let value: unknown;
  try {
    value = JSON.parse(readInput(path, "--parameters", 1024 * 1024));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError("The file is not JSON.", path, fix, { cause: error });
  }
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isMap && Object.values(value as object).every((item) => typeof item === "string"))
    return value as Record<string, string>;
  throw new UsageError("The file holds no map of texts.", path, fix);
}

/** Each step as it would happen, then what would be written or why not. */
function story(explanation: Explanation, paint: Painter): string {
  const steps = explanation.steps.map((step) => stepText(step, paint));
  const warnings = explanation.warnings.map((text) => `${paint.tone("warn", "!")} ${wrap(text, paint.width, "  ")}\n`);
  const end = explanation.plan === null ? refusal(explanation, paint) : planText(explanation.plan);
  return `${steps.join("")}${warnings.join("")}\n${end}`;
}

function stepText({ step, verdict, detail }: Explanation["steps"][number], paint: Painter): string {
  const mark = verdict === "ok" ? paint.tone("good", "✓") : paint.tone("bad", "✗");
  // A place in the document is longer than a step's name; what happened there goes beneath it.
  const name = step.length > 12 ? `${step}\n${" ".repeat(14)}` : step.padEnd(12);
  return `${mark} ${name} ${wrap(detail, paint.width, " ".repeat(15))}\n`;
}

function refusal({ reason, message }: Explanation, paint: Painter): string {
  return `${paint.tone("bad", `It would be refused: ${reason}`)}\n  ${wrap(orDash(message), paint.width, "  ")}\n`;
}

function planText(plan: NonNullable<Explanation["plan"]>): string {
  const pairs = (map: Readonly<Record<string, string>>) =>
    Object.entries(map)
      .map(([name, value]) => `${name}=${value}`)
      .join(", ");
  return `It would write:\n${facts([
    ["thing", plan.thing?.thingName ?? "none"],
    ["type", plan.thing?.thingType ?? null],
    ["groups", plan.thing?.groups.join(", ") ?? null],
    ["attributes", pairs(plan.thing?.attributes ?? {})],
    ["billing group", plan.thing?.billingGroup ?? null],
    ["policies", plan.policies.map(({ policyName }) => policyName).join(", ")],
    ["certificate", plan.certificateStatus],
    ["device gets", pairs(plan.deviceConfiguration)],
  ])}`;
}

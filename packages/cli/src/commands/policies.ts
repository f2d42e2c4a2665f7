import type { Input } from "@fleetmint/sdk";
import { type Command, Option } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { readInput } from "../input/files.ts";
import { day } from "../output/text.ts";

const POLICY_BYTES = 64 * 1024;

/** `fleetmint policy …` */
export function addPolicyCommands(program: Command, context: Context): void {
  const policy = program.command("policy").description("who may connect, publish and subscribe where");
  addApply(policy, context);
  addList(policy, context);
  addShow(policy, context);
  addAttachment(policy, context, "attach");
  addAttachment(policy, context, "detach");
}

function addApply(policy: Command, context: Context): void {
  const command = policy
    .command("apply")
    .argument("<name>", "the policy's name")
    .description("create a policy, or give it a new version that holds at once")
    .requiredOption("--file <file>", "the policy document (JSON, AWS IoT's language)");
  examples(command, ["What a camera may do", "fleetmint policy apply camera --file camera.policy.json --data ./fleet"]);
  remoteCommand<{ file: string }>(command, context, async ({ client, output }, [policyName], { file }) => {
    const document = readInput(file, "--file", POLICY_BYTES);
    const applied = await client.applyPolicy({ policyName: policyName!, document });
    const state = applied.changed
      ? `is at version ${applied.version} now`
      : `was like that already (version ${applied.version})`;
    output.answer(applied, () => `The policy ${policyName} ${state}.`);
  });
}

function addList(policy: Command, context: Context): void {
  const command = policy.command("list").description("list policies");
  examples(command, ["All of them", "fleetmint policy list --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }) => {
    const { items } = await client.listPolicies();
    output.rows(
      items,
      [
        { title: "policy", value: ({ policyName }) => policyName, flexible: true },
        { title: "version", value: ({ defaultVersion }) => String(defaultVersion) },
        { title: "since", value: ({ createdAt }) => day(createdAt) },
      ],
      "There are no policies. Apply one: `fleetmint policy apply NAME --file FILE`.",
    );
  });
}

function addShow(policy: Command, context: Context): void {
  const command = policy
    .command("show")
    .argument("<name>", "the policy's name")
    .description("show a policy's document in force");
  examples(command, ["The documents of all versions", "fleetmint policy show camera -o json --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }, [policyName]) => {
    const detail = await client.getPolicy({ policyName: policyName! });
    output.answer(detail, () => {
      const others = detail.versions.filter((version) => !version.default).map(({ version }) => version);
      const kept = others.length === 0 ? "" : `; also kept: ${others.join(", ")}`;
      const inForce = detail.versions.find((version) => version.default);
      return `${policyName}, version ${detail.defaultVersion} since ${day(detail.createdAt)}${kept}\n\n${inForce?.document ?? ""}`;
    });
  });
}

interface TargetOptions {
  readonly thing?: string;
  readonly group?: string;
  readonly certificate?: string;
}

function addAttachment(policy: Command, context: Context, verb: "attach" | "detach"): void {
  const command = policy
    .command(verb)
    .argument("<name>", "the policy's name")
    .description(verb === "attach" ? "attach a policy to a thing, a group or a certificate" : "detach it again")
    .option("--thing <name>", "a thing")
    .addOption(new Option("--group <name>", "a group: all its members").conflicts("thing"))
    .addOption(new Option("--certificate <id>", "a certificate").conflicts(["thing", "group"]));
  examples(command, [
    "It holds at once, on live connections too",
    `fleetmint policy ${verb} camera --group line-2 --data ./fleet`,
  ]);
  remoteCommand<TargetOptions>(command, context, async ({ client, output }, [policyName], options) => {
    const target = targetOf(options, verb);
    const call = verb === "attach" ? client.attachPolicy : client.detachPolicy;
    await call({ policyName: policyName!, target });
    const attached = verb === "attach";
    output.answer(
      { policyName, target, attached },
      () => `${policyName} is ${attached ? "attached to" : "detached from"} the ${target.kind} ${target.id}.`,
    );
  });
}

function targetOf({ thing, group, certificate }: TargetOptions, verb: string): Input<"attachPolicy">["target"] {
  if (thing !== undefined) return { kind: "thing", id: thing };
  if (group !== undefined) return { kind: "group", id: group };
  if (certificate !== undefined) return { kind: "certificate", id: certificate };
  throw new UsageError(
    "Nothing was named to hold the policy.",
    `fleetmint policy ${verb}`,
    "Give --thing NAME, --group NAME or --certificate ID.",
  );
}

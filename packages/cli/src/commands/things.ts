import { items, type Thing, type ThingDetail } from "@fleetmint/sdk";
import type { Command } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { wholeNumber } from "../input/numbers.ts";
import { take } from "../input/take.ts";
import type { Output } from "../output/output.ts";
import { toneOf } from "../output/paint.ts";
import type { Column } from "../output/table.ts";
import { day, facts, orDash } from "../output/text.ts";

/** `fleetmint thing …` */
export function addThingCommands(program: Command, context: Context): void {
  const thing = program.command("thing").description("devices as the registry knows them");
  addList(thing, context);
  addShow(thing, context);
  addRelease(thing, context);
  addRetire(thing, context);
  addQuarantine(thing, context);
}

export const THING_COLUMNS: readonly Column<Thing>[] = [
  { title: "thing", value: ({ thingName }) => thingName, flexible: true },
  { title: "type", value: ({ thingType }) => orDash(thingType), flexible: true },
  { title: "status", value: ({ status }) => status, tone: ({ status }) => toneOf(status) },
  { title: "groups", value: ({ groups }) => orDash(groups.join(", ")), flexible: true },
  { title: "certificate", value: (row) => orDash(current(row)?.certificateId.slice(0, 16)) },
  { title: "until", value: (row) => orDash(current(row) && day(current(row)!.notAfter)) },
];

/** The certificate that counts: the active one, else the newest. */
function current({ certificates }: Thing): Thing["certificates"][number] | undefined {
  return certificates.find(({ status }) => status === "ACTIVE") ?? certificates[0];
}

function addList(thing: Command, context: Context): void {
  const command = thing
    .command("list")
    .description("list things by name")
    .option("--group <name>", "only members of this group")
    .option("--claim <id>", "only those born from this claim")
    .option("--limit <n>", "at most so many", wholeNumber(1, 10_000_000));
  examples(
    command,
    ["Everything, as a table", "fleetmint thing list --data ./fleet"],
    [
      "The names of a group's members, for a script",
      "fleetmint thing list --group line-2 -o json | jq -r '.[].thingName'",
    ],
  );
  remoteCommand<{ group?: string; claim?: string; limit?: number }>(command, context, async (remote, _, options) => {
    const { group, claim, limit } = options;
    const query = { limit: 250, ...(group !== undefined && { group }), ...(claim !== undefined && { claimId: claim }) };
    const things = await take(items(remote.client.listThings, query), limit);
    remote.output.rows(things, THING_COLUMNS, "There are no things yet. A device becomes one when it is provisioned.");
  });
}

function addShow(thing: Command, context: Context): void {
  const command = thing.command("show").argument("<name>", "the thing's name").description("show one thing");
  examples(command, ["What a device may do and until when", "fleetmint thing show camera-0042 --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }, [thingName]) => {
    const detail = await client.getThing({ thingName: thingName! });
    output.answer(detail, () => describe(detail, output));
  });
}

function describe(thing: ThingDetail, output: Output): string {
  const summary = facts([
    ["thing", thing.thingName],
    ["status", thing.status],
    ["released", thing.released ? "yes: its next provisioning replaces its identity" : null],
    ["type", orDash(thing.thingType)],
    ["billing group", thing.billingGroup],
    ["groups", orDash(thing.groups.join(", "))],
    ["policies", orDash(thing.policies.join(", "))],
    [
      "attributes",
      orDash(
        Object.entries(thing.attributes)
          .map(([name, value]) => `${name}=${value}`)
          .join(", "),
      ),
    ],
    ["created", day(thing.createdAt)],
  ]);
  const certificates = thing.certificates.map(({ certificateId, status, notAfter }) => {
    return `  ${output.paint.tone(toneOf(status), status.padEnd(8))} ${certificateId}\n           until ${day(notAfter)}\n`;
  });
  return `${summary}\ncertificates\n${certificates.join("") || "  none\n"}`;
}

function addRelease(thing: Command, context: Context): void {
  const command = thing
    .command("release")
    .argument("<name>", "the thing's name")
    .description("let the next provisioning replace a thing's identity, once");
  examples(command, [
    "A device was reset and must come back under its name",
    "fleetmint thing release camera-0042 --data ./fleet",
  ]);
  remoteCommand(command, context, async ({ client, output }, [thingName]) => {
    await client.releaseThing({ thingName: thingName! });
    output.answer(
      { thingName, released: true },
      () => `${thingName} may be provisioned again, once (its template must say existingThing: replace).`,
    );
  });
}

function addRetire(thing: Command, context: Context): void {
  const command = thing
    .command("retire")
    .argument("<name>", "the thing's name")
    .description("revoke a thing's certificates for good and end its connections");
  examples(command, ["A device was scrapped", "fleetmint thing retire camera-0042 --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }, [thingName]) => {
    await client.retireThing({ thingName: thingName! });
    output.answer({ thingName, status: "retired" }, () => `${thingName} is retired: its certificates are revoked.`);
  });
}

function addQuarantine(thing: Command, context: Context): void {
  const command = thing
    .command("quarantine")
    .argument("<name>", "the thing's name")
    .description("put a thing under the restricted policy, or lift that")
    .option("--undo", "lift it");
  examples(
    command,
    ["It behaves strangely: it may connect, and nothing else", "fleetmint thing quarantine camera-0042 --data ./fleet"],
    ["All is well again", "fleetmint thing quarantine camera-0042 --undo --data ./fleet"],
  );
  remoteCommand<{ undo?: true }>(command, context, async ({ client, output }, [thingName], { undo }) => {
    const quarantined = undo !== true;
    await client.quarantineThing({ thingName: thingName!, quarantined });
    output.answer(
      { thingName, quarantined },
      () => `${thingName} is ${quarantined ? "quarantined" : "out of quarantine"}.`,
    );
  });
}

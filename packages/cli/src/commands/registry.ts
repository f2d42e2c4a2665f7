import type { Command } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { orDash } from "../output/text.ts";

/** `fleetmint type …` */
export function addTypeCommands(program: Command, context: Context): void {
  const type = program.command("type").description("thing types that templates may name");
  const create = type.command("create").argument("<name>", "the type's name").description("create a thing type");
  examples(create, ["Before a template names it", "fleetmint type create camera --data ./fleet"]);
  remoteCommand(create, context, async ({ client, output }, [thingTypeName]) => {
    const created = await client.createThingType({ thingTypeName: thingTypeName! });
    output.answer(created, () => `The type ${thingTypeName} exists now.`);
  });
  const list = type.command("list").description("list thing types");
  examples(list, ["All of them", "fleetmint type list --data ./fleet"]);
  remoteCommand(list, context, async ({ client, output }) => {
    const { items } = await client.listThingTypes();
    output.rows(
      items,
      [{ title: "type", value: (row) => row.thingTypeName }],
      "There are no types. Create one: `fleetmint type create NAME`.",
    );
  });
}

/** `fleetmint group …` */
export function addGroupCommands(program: Command, context: Context): void {
  const group = program.command("group").description("static groups of things, and the policies they share");
  addGroupCreate(group, context);
  addGroupList(group, context);
  addMembership(group, context, "add");
  addMembership(group, context, "remove");
}

function addGroupCreate(group: Command, context: Context): void {
  const command = group
    .command("create")
    .argument("<name>", "the group's name")
    .description("create a group")
    .option("--parent <name>", "inside this group");
  examples(command, ["A line of a factory", "fleetmint group create line-2 --parent factory-a --data ./fleet"]);
  remoteCommand<{ parent?: string }>(command, context, async ({ client, output }, [groupName], { parent }) => {
    const created = await client.createGroup({ groupName: groupName!, ...(parent !== undefined && { parent }) });
    output.answer(created, () => `The group ${groupName} exists now.`);
  });
}

function addGroupList(group: Command, context: Context): void {
  const command = group.command("list").description("list groups");
  examples(command, ["All of them, with their policies", "fleetmint group list --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }) => {
    const { items } = await client.listGroups();
    output.rows(
      items,
      [
        { title: "group", value: ({ groupName }) => groupName, flexible: true },
        { title: "parent", value: ({ parent }) => orDash(parent), flexible: true },
        { title: "policies", value: ({ policies }) => orDash(policies.join(", ")), flexible: true },
      ],
      "There are no groups. Create one: `fleetmint group create NAME`.",
    );
  });
}

function addMembership(group: Command, context: Context, verb: "add" | "remove"): void {
  const command = group
    .command(verb)
    .argument("<group>", "the group's name")
    .argument("<thing>", "the thing's name")
    .description(verb === "add" ? "add a thing to a group" : "take a thing out of a group");
  examples(command, [
    "The group's policies change for it at once",
    `fleetmint group ${verb} line-2 camera-0042 --data ./fleet`,
  ]);
  remoteCommand(command, context, async ({ client, output }, [groupName, thingName]) => {
    const call = verb === "add" ? client.addThingToGroup : client.removeThingFromGroup;
    await call({ groupName: groupName!, thingName: thingName! });
    const member = verb === "add";
    output.answer(
      { groupName, thingName, member },
      () => `${thingName} is ${member ? "in" : "no longer in"} ${groupName}.`,
    );
  });
}

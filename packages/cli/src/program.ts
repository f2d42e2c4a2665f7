import { Command } from "commander";
import type { Context } from "./command.ts";
import { addAttemptCommands, addEventCommands } from "./commands/attempts.ts";
import { addAuditCommands } from "./commands/audit.ts";
import { addCertificateCommands } from "./commands/certificates.ts";
import { addClaimCommands } from "./commands/claims.ts";
import { addInit } from "./commands/init.ts";
import { addPolicyCommands } from "./commands/policies.ts";
import { addGroupCommands, addTypeCommands } from "./commands/registry.ts";
import { addServe } from "./commands/serve.ts";
import { addTemplateCommands } from "./commands/templates.ts";
import { addThingCommands } from "./commands/things.ts";
import { addBackup, addDoctor, addRestore } from "./commands/upkeep.ts";

const GUIDE = `
From nothing to a device with an identity of its own:
  fleetmint init --data ./fleet
  fleetmint serve --data ./fleet
  fleetmint policy apply camera --file camera.policy.json --data ./fleet
  fleetmint template apply camera --file camera.json --data ./fleet
  fleetmint claim create --template camera --out ./claim --serials batch7.txt --plain --data ./fleet
  fleetmint attempt list --data ./fleet

Every command answers \`-o json\` for scripts and ends with 0 (done), 1 (refused or
failed) or 2 (wrong usage). \`fleetmint COMMAND --help\` shows examples.`;

/** The whole command line. */
export function createProgram(context: Context): Command {
  const program = new Command("fleetmint")
    .description("Gives every device of an IoT fleet its identity.")
    .helpCommand(false)
    .showSuggestionAfterError()
    .addHelpText("after", GUIDE);
  program.commandsGroup("The server:");
  addInit(program, context);
  addServe(program, context);
  addBackup(program, context);
  addRestore(program, context);
  addDoctor(program, context);
  program.commandsGroup("Provisioning:");
  addTemplateCommands(program, context);
  addPolicyCommands(program, context);
  addClaimCommands(program, context);
  addAttemptCommands(program, context);
  program.commandsGroup("The fleet:");
  addThingCommands(program, context);
  addTypeCommands(program, context);
  addGroupCommands(program, context);
  addCertificateCommands(program, context);
  addEventCommands(program, context);
  addAuditCommands(program, context);
  return program;
}

import { type Claim, items } from "@fleetmint/sdk";
import type { Command } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { readSerials } from "../input/files.ts";
import { take } from "../input/take.ts";
import { toneOf } from "../output/paint.ts";
import type { Column } from "../output/table.ts";
import { count, day, facts, orDash, short } from "../output/text.ts";
import { addClaimAudit } from "./claim-audit.ts";
import { addClaimCreate, addClaimRotate } from "./claim-create.ts";
import { SERIALS_IN_ALL, serialSlices } from "./serial-slices.ts";
import { THING_COLUMNS } from "./things.ts";

/** `fleetmint claim …` */
export function addClaimCommands(program: Command, context: Context): void {
  const claim = program
    .command("claim")
    .description("shared bootstrap credentials, their limits and what came of them");
  addClaimCreate(claim, context);
  addList(claim, context);
  addShow(claim, context);
  addDevices(claim, context);
  addExpect(claim, context);
  addClaimAudit(claim, context);
  addEnd(claim, context, "disable");
  addEnd(claim, context, "suspend");
  addResume(claim, context);
  addQuarantine(claim, context);
  addClaimRotate(claim, context);
}

const COLUMNS: readonly Column<Claim>[] = [
  { title: "claim", value: ({ claimId }) => claimId },
  { title: "status", value: stateOf, tone: (claim) => toneOf(stateOf(claim)) },
  { title: "template", value: ({ templates }) => templates.join(", "), flexible: true },
  { title: "devices", value: ({ redeemed, maxDevices }) => `${redeemed}/${maxDevices}` },
  { title: "until", value: ({ notAfter }) => day(notAfter) },
];

function stateOf({ status, quarantined }: Claim): string {
  return status === "active" && quarantined ? "quarantined" : status;
}

function addList(claim: Command, context: Context): void {
  const command = claim.command("list").description("list claims, newest first");
  examples(command, ["Which are near their quota or end", "fleetmint claim list --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }) => {
    const { items: claims } = await client.listClaims();
    output.rows(
      claims,
      COLUMNS,
      "There are no claims. Create one: `fleetmint claim create --template NAME --out DIR …`.",
    );
  });
}

function addShow(claim: Command, context: Context): void {
  const command = claim
    .command("show")
    .argument("<id>", "the claim's id")
    .description("show a claim's passport and state");
  examples(command, ["What it may be used for", "fleetmint claim show claim-01h… --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }, [claimId]) => {
    const shown = await client.getClaim({ claimId: claimId! });
    output.answer(shown, () => passport(shown));
  });
}

const GUARDS: Readonly<Record<Claim["guard"], string>> = {
  serials: "a list of expected serial numbers",
  hook: "the template's hook",
  "any-device": "none: any device may register any free name",
};

function passport(claim: Claim): string {
  return facts([
    ["claim", claim.claimId],
    ["status", stateOf(claim) + (claim.statusReason === null ? "" : ` (${claim.statusReason})`)],
    ["templates", claim.templates.join(", ")],
    ["batch", claim.batch],
    ["supplier", claim.supplier],
    ["devices", `${claim.redeemed} of ${claim.maxDevices}, ${claim.pending} pending`],
    ["valid", `${day(claim.notBefore)} to ${day(claim.notAfter)}`],
    ["networks", orDash(claim.networks.join(", ") || "every network")],
    ["guard", GUARDS[claim.guard]],
    ["rate", `at most ${claim.maxPerMinute} a minute`],
    ["suspends", `after ${count(claim.suspendAfterRefusals, "refusal")} within ten minutes`],
    ["device keys", claim.keyAlgorithm],
    ...claim.certificates.map(
      ({ certificateId, status }) => ["certificate", `${short(certificateId)}  ${status}`] as const,
    ),
  ]);
}

function addDevices(claim: Command, context: Context): void {
  const command = claim
    .command("devices")
    .argument("<id>", "the claim's id")
    .description("list every thing that was born from a claim: its blast radius")
    .option("--expected", "the serial numbers it expects instead, with their state");
  examples(
    command,
    ["The claim has leaked: what is touched?", "fleetmint claim devices claim-01h… --data ./fleet"],
    ["Which of the ordered devices are missing", "fleetmint claim devices claim-01h… --expected --data ./fleet"],
  );
  remoteCommand<{ expected?: true }>(command, context, async ({ client, output }, [id], { expected }) => {
    const claimId = id!;
    if (expected !== true) {
      const things = await take(items(client.listClaimDevices, { claimId, limit: 250 }), undefined);
      return output.rows(things, THING_COLUMNS, "Nothing was born from this claim yet.");
    }
    const devices = await take(items(client.listExpectedDevices, { claimId, limit: 250 }), undefined);
    output.rows(
      devices,
      [
        { title: "serial number", value: ({ serialNumber }) => serialNumber, flexible: true },
        { title: "state", value: ({ state }) => state, tone: ({ state }) => toneOf(state) },
        { title: "thing", value: ({ thingName }) => orDash(thingName), flexible: true },
      ],
      "This claim expects no serial numbers.",
    );
  });
}

function addExpect(claim: Command, context: Context): void {
  const command = claim
    .command("expect")
    .argument("<id>", "the claim's id")
    .requiredOption("--serials <file>", "one serial number a line")
    .description("add serial numbers to those a claim expects");
  examples(command, ["The order grew", "fleetmint claim expect claim-01h… --serials more.txt --data ./fleet"]);
  remoteCommand<{ serials: string }>(command, context, async ({ client, output }, [id], options) => {
    const claimId = id!;
    const all = readSerials(options.serials, SERIALS_IN_ALL);
    for (const serials of serialSlices(all)) await client.expectDevices({ claimId, serials });
    output.answer(
      { claimId, added: all.length },
      () => `${claimId} expects ${count(all.length, "serial number")} more.`,
    );
  });
}

function addEnd(claim: Command, context: Context, verb: "disable" | "suspend"): void {
  const command = claim
    .command(verb)
    .argument("<id>", "the claim's id")
    .option("--reason <text>", "why, for the record")
    .description(
      verb === "disable" ? "end a claim for good, live connections included" : "stop a claim until it is resumed",
    );
  examples(
    command,
    verb === "disable"
      ? [
          "The batch is done, or the claim has leaked",
          "fleetmint claim disable claim-01h… --reason 'batch 7 is complete' --data ./fleet",
        ]
      : ["Something looks wrong; look first", "fleetmint claim suspend claim-01h… --data ./fleet"],
  );
  remoteCommand<{ reason?: string }>(command, context, async ({ client, output }, [id], { reason }) => {
    const claimId = id!;
    const call = verb === "disable" ? client.disableClaim : client.suspendClaim;
    await call({ claimId, ...(reason !== undefined && { reason }) });
    const status = `${verb === "disable" ? "disabled" : "suspended"}`;
    output.answer({ claimId, status }, () => `${claimId} is ${status}. Devices that it provisioned are untouched.`);
  });
}

function addResume(claim: Command, context: Context): void {
  const command = claim
    .command("resume")
    .argument("<id>", "the claim's id")
    .description("let a suspended claim provision again");
  examples(command, ["After looking at `claim audit`", "fleetmint claim resume claim-01h… --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }, [id]) => {
    await client.resumeClaim({ claimId: id! });
    output.answer({ claimId: id, status: "active" }, () => `${id} is active again.`);
  });
}

function addQuarantine(claim: Command, context: Context): void {
  const command = claim
    .command("quarantine")
    .argument("<id>", "the claim's id")
    .option("--undo", "lift it")
    .description("put a claim and all devices born from it under the restricted policy, or lift that");
  examples(
    command,
    ["The claim has leaked: stop the damage, lose nothing", "fleetmint claim quarantine claim-01h… --data ./fleet"],
    ["It was a false alarm", "fleetmint claim quarantine claim-01h… --undo --data ./fleet"],
  );
  remoteCommand<{ undo?: true }>(command, context, async ({ client, output }, [id], { undo }) => {
    const quarantined = undo !== true;
    await client.quarantineClaim({ claimId: id!, quarantined });
    output.answer({ claimId: id, quarantined }, () =>
      quarantined
        ? `${id} and its devices are quarantined; --undo lifts it.`
        : `${id} and its devices are out of quarantine.`,
    );
  });
}

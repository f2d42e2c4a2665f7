import { type Certificate, type Client, items } from "@fleetmint/sdk";
import { type Command, Option } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import { wholeNumber } from "../input/numbers.ts";
import { take } from "../input/take.ts";
import { toneOf } from "../output/paint.ts";
import type { Column } from "../output/table.ts";
import { day, facts, moment, orDash, short } from "../output/text.ts";

/** `fleetmint cert …` */
export function addCertificateCommands(program: Command, context: Context): void {
  const certificate = program.command("cert").description("certificates and their states");
  addList(certificate, context);
  addShow(certificate, context);
  addRevoke(certificate, context);
}

const COLUMNS: readonly Column<Certificate>[] = [
  { title: "certificate", value: ({ certificateId }) => short(certificateId) },
  { title: "profile", value: ({ profile }) => profile },
  { title: "status", value: ({ status }) => status, tone: ({ status }) => toneOf(status) },
  { title: "until", value: ({ notAfter }) => day(notAfter) },
  { title: "thing", value: ({ thingName }) => orDash(thingName), flexible: true },
];

function addList(certificate: Command, context: Context): void {
  const command = certificate
    .command("list")
    .description("list certificates; the others take the short id back")
    .option("--thing <name>", "only those of this thing")
    .option("--claim <id>", "only those of this claim and of devices born from it")
    .option("--limit <n>", "at most so many", wholeNumber(1, 10_000_000));
  examples(command, ["All that a claim brought forth", "fleetmint cert list --claim claim-01h… --data ./fleet"]);
  remoteCommand<{ thing?: string; claim?: string; limit?: number }>(command, context, async (remote, _, options) => {
    const { thing, claim, limit } = options;
    const query = {
      limit: 250,
      ...(thing !== undefined && { thingName: thing }),
      ...(claim !== undefined && { claimId: claim }),
    };
    const found = await take(items(remote.client.listCertificates, query), limit);
    remote.output.rows(found, COLUMNS, "There are no such certificates.");
  });
}

function addShow(certificate: Command, context: Context): void {
  const command = certificate
    .command("show")
    .argument("<id>", "the certificate's id, or its first 8 digits or more")
    .description("show one certificate");
  examples(command, [
    "Its PEM, for another program",
    "fleetmint cert show 3f2a… -o json --data ./fleet | jq -r .certificatePem",
  ]);
  remoteCommand(command, context, async ({ client, output }, [id]) => {
    const detail = await client.getCertificate({ certificateId: await fullId(client, id!) });
    output.answer(detail, () =>
      facts([
        ["certificate", detail.certificateId],
        ["profile", detail.profile],
        ["status", detail.status + (detail.statusReason === null ? "" : ` (${detail.statusReason})`)],
        ["serial", detail.serial],
        ["thing", detail.thingName],
        ["claim", detail.claimId],
        ["issued", `${moment(detail.issuedAt)} UTC`],
        ["valid", `${day(detail.notBefore)} to ${day(detail.notAfter)}`],
        ["public key", detail.publicKeyFingerprint],
      ]).concat(`\n${detail.certificatePem}`),
    );
  });
}

function addRevoke(certificate: Command, context: Context): void {
  const command = certificate
    .command("revoke")
    .argument("<id>", "the certificate's id, or its first 8 digits or more")
    .description("revoke a certificate for good; its connections end within a second")
    .addOption(
      new Option("--reason <reason>", "why; key_compromise also blocks the key")
        .choices(["operator", "key_compromise", "superseded", "retired"] as const)
        .default("operator"),
    );
  examples(command, [
    "The key of a device was copied",
    "fleetmint cert revoke 3f2a… --reason key_compromise --data ./fleet",
  ]);
  remoteCommand<{ reason: "operator" | "key_compromise" | "superseded" | "retired" }>(
    command,
    context,
    async ({ client, output }, [id], { reason }) => {
      const certificateId = await fullId(client, id!);
      await client.revokeCertificate({ certificateId, reason });
      output.answer({ certificateId, status: "REVOKED", reason }, () => `${certificateId} is revoked.`);
    },
  );
}

/** How many certificates a short id is looked for among; beyond, the whole id must be given. */
const LOOKED_THROUGH = 10_000;

/** The certificate whose id begins like this. A whole id goes through as it is. */
async function fullId(client: Client, id: string): Promise<string> {
  const prefix = id.toLowerCase().replace(/…$/, "");
  if (!/^[0-9a-f]{8,63}$/.test(prefix)) return prefix;
  const all = await take(items(client.listCertificates, { limit: 250 }), LOOKED_THROUGH);
  const matching = all.filter(({ certificateId }) => certificateId.startsWith(prefix));
  if (matching.length === 1) return matching[0]!.certificateId;
  const many = matching.length > 1 ? `${matching.length} certificates begin` : "No certificate begins";
  throw new CommandError(
    `${many} with "${prefix}".`,
    id,
    "Give more digits: `fleetmint cert list -o json` shows whole ids.",
  );
}

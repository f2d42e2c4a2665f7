import type { Input, IssuedClaim } from "@fleetmint/sdk";
import { type Command, Option } from "commander";
import { type Context, examples, type Remote, remoteCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { parseDuration } from "../input/duration.ts";
import { readInput, readSerials } from "../input/files.ts";
import { repeated, wholeNumber } from "../input/numbers.ts";
import { count, day } from "../output/text.ts";
import { type ClaimFiles, reserveClaimFiles } from "./claim-files.ts";
import { SERIALS_IN_ALL, serialSlices } from "./serial-slices.ts";

type ClaimKey = Input<"createClaim">["key"];

interface KeyOptions {
  readonly out: string;
  readonly csr?: string;
  readonly recipient?: string;
  readonly plain?: true;
}

interface CreateOptions extends KeyOptions {
  readonly template: string;
  readonly maxDevices?: number;
  readonly validFor?: number;
  readonly serials?: string;
  readonly allowAnyDevice?: true;
  readonly from?: readonly string[];
  readonly batch?: string;
  readonly supplier?: string;
  readonly maxRate?: number;
  readonly suspendAfter?: number;
  readonly keyType?: "EC_P256" | "RSA_2048";
}

/** `fleetmint claim create` */
export function addClaimCreate(claim: Command, context: Context): void {
  const command = claim
    .command("create")
    .description("make a claim and write its files")
    .requiredOption("--template <name>", "what it may provision by")
    .optionsGroup("Its limits:")
    .option("--max-devices <n>", "devices it may provision (default 1000)", wholeNumber(1, 10_000_000))
    .option("--valid-for <time>", "how long: 90d, 12h, 5m (default 90d)", parseDuration)
    .option("--serials <file>", "the serial numbers it expects, one a line")
    .addOption(
      new Option("--allow-any-device", "let it register any free name: say so only on purpose").conflicts("serials"),
    )
    .option("--from <cidr>", "a network it works from; may be repeated", repeated)
    .option("--max-rate <n>", "enrollments a minute (default 600)", wholeNumber(1, 1_000_000))
    .option("--suspend-after <n>", "refusals in ten minutes that suspend it (default 100)", wholeNumber(1, 1_000_000))
    .option("--batch <label>", "for the record")
    .option("--supplier <label>", "for the record")
    .addOption(new Option("--key-type <type>", "of device keys made by the server").choices(["EC_P256", "RSA_2048"]));
  addKeyOptions(command);
  examples(
    command,
    [
      "The factory holds the key; 500 known devices, from its network",
      "fleetmint claim create --template camera --out ./claim --csr factory.csr \\\n    --serials batch7.txt --max-devices 500 --from 192.0.2.0/24 --data ./fleet",
    ],
    [
      "The key leaves encrypted to somebody's age key",
      "fleetmint claim create --template camera --out ./claim --recipient age1… \\\n    --serials batch7.txt --data ./fleet",
    ],
    [
      "On a laptop, with a template that has a hook",
      "fleetmint claim create --template camera --out ./claim --plain --valid-for 1d --data ./fleet",
    ],
  );
  remoteCommand<CreateOptions>(command, context, (remote, _, options) => create(remote, options));
}

/** `fleetmint claim rotate` */
export function addClaimRotate(claim: Command, context: Context): void {
  const command = claim
    .command("rotate")
    .argument("<id>", "the claim's id")
    .description("give a claim a new certificate; the old one works until it is revoked");
  addKeyOptions(command);
  examples(command, [
    "New firmware images get the new one; then watch who still uses the old",
    "fleetmint claim rotate claim-01h… --out ./claim-2 --csr factory2.csr --data ./fleet\n  fleetmint claim audit claim-01h… --data ./fleet",
  ]);
  remoteCommand<KeyOptions>(command, context, async (remote, [claimId], options) => {
    const key = keyOf(options);
    await using files = reserveClaimFiles(options.out, key.kind);
    const issued = await remote.client.rotateClaim({ claimId: claimId!, key });
    files.write(issued);
    report(remote, issued, files);
  });
}

function addKeyOptions(command: Command): void {
  command
    .optionsGroup("Its key and files:")
    .requiredOption("--out <dir>", "where claim.cert.pem, ca.pem and the key are written")
    .option("--csr <file>", "the factory made the key: its certificate request")
    .addOption(new Option("--recipient <key>", "write the key encrypted to this age recipient").conflicts("csr"))
    .addOption(new Option("--plain", "write the key in the clear").conflicts(["csr", "recipient"]));
}

async function create(remote: Remote, options: CreateOptions): Promise<void> {
  const key = keyOf(options);
  const [serials, ...rest] =
    options.serials === undefined ? [] : serialSlices(readSerials(options.serials, SERIALS_IN_ALL));
  await using files = reserveClaimFiles(options.out, key.kind);
  const issued = await remote.client.createClaim({ ...limitsOf(options), key, guard: guardOf(serials, options) });
  files.write(issued);
  const { claimId } = issued.claim;
  for (const more of rest) await remote.client.expectDevices({ claimId, serials: more });
  report(remote, issued, files);
}

/** No key leaves the server in the clear by accident: somebody has said which way. */
function keyOf({ csr, recipient, plain }: KeyOptions): ClaimKey {
  if (csr !== undefined) return { kind: "csr", csrPem: readInput(csr, "--csr", 16 * 1024) };
  if (recipient !== undefined) return { kind: "recipient", recipient };
  if (plain === true) return { kind: "plain" };
  throw new UsageError(
    "Nobody said how the claim's private key is to travel.",
    "--csr, --recipient and --plain are all absent",
    "Give --csr FILE (the factory made the key), --recipient KEY (age), or --plain to write it in the clear.",
  );
}

/** Without a list the template's hook must stand guard; the server refuses the claim where there is none. */
function guardOf(serials: string[] | undefined, { allowAnyDevice }: CreateOptions): Input<"createClaim">["guard"] {
  if (serials !== undefined) return { kind: "serials", serials };
  return allowAnyDevice === true ? { kind: "any-device" } : { kind: "hook" };
}

function limitsOf(options: CreateOptions) {
  const { template, maxDevices, validFor, from, batch, supplier, maxRate, suspendAfter, keyType } = options;
  return {
    templates: [template],
    ...(maxDevices !== undefined && { maxDevices }),
    ...(validFor !== undefined && { validForSeconds: validFor }),
    ...(from !== undefined && { networks: [...from] }),
    ...(batch !== undefined && { batch }),
    ...(supplier !== undefined && { supplier }),
    ...(maxRate !== undefined && { maxPerMinute: maxRate }),
    ...(suspendAfter !== undefined && { suspendAfterRefusals: suspendAfter }),
    ...(keyType !== undefined && { keyAlgorithm: keyType }),
  };
}

function report({ output }: Remote, { claim }: IssuedClaim, files: ClaimFiles): void {
  const value = {
    claimId: claim.claimId,
    template: claim.templates[0],
    certificatePath: files.certificatePath,
    privateKeyPath: files.privateKeyPath,
    caPath: files.caPath,
    maxDevices: claim.maxDevices,
    notBefore: claim.notBefore,
    notAfter: claim.notAfter,
  };
  output.answer(value, () => {
    const paths = [files.certificatePath, files.privateKeyPath, files.caPath].filter((path) => path !== null);
    const written = paths.map((path) => `  ${path}\n`).join("");
    return `${claim.claimId} may provision ${count(claim.maxDevices, "device")} by ${claim.templates.join(", ")} until ${day(claim.notAfter)}.\n${written}`;
  });
  if (files.privateKeyPath?.endsWith(".pem") === true) {
    output.note("The private key lies there in the clear: whoever has it may provision. Keep it short-lived.");
  }
}

import { type Attempt, type AttemptDetail, type Event, items } from "@fleetmint/sdk";
import { type Command, Option } from "commander";
import { type Context, examples, remoteCommand } from "../command.ts";
import { wholeNumber } from "../input/numbers.ts";
import { take } from "../input/take.ts";
import { type Painter, toneOf } from "../output/paint.ts";
import type { Column } from "../output/table.ts";
import { facts, moment, orDash, wrap } from "../output/text.ts";

const NEWEST = 100;

/** `fleetmint attempt …` */
export function addAttemptCommands(program: Command, context: Context): void {
  const attempt = program.command("attempt").description("every enrollment try, step by step, with its reason");
  addList(attempt, context);
  addShow(attempt, context);
}

const ATTEMPT_COLUMNS: readonly Column<Attempt>[] = [
  { title: "attempt", value: ({ id }) => id },
  { title: "at (UTC)", value: ({ at }) => moment(at).slice(5) },
  { title: "result", value: resultOf, tone: ({ outcome }) => toneOf(outcome) },
  { title: "client", value: ({ clientId }) => clientId, flexible: true },
];

const MARKS: Readonly<Record<Attempt["outcome"], string>> = { issued: "✓", denied: "✗", pending: "…" };

/** What came of it, or why nothing did. */
function resultOf({ outcome, thingName, reason }: Attempt): string {
  return `${MARKS[outcome]} ${reason ?? thingName ?? outcome}`;
}

interface ListOptions {
  readonly claim?: string;
  readonly outcome?: Attempt["outcome"];
  readonly reason?: string;
  readonly limit: number;
}

function addList(attempt: Command, context: Context): void {
  const command = attempt
    .command("list")
    .description("list enrollment attempts, newest first")
    .option("--claim <id>", "only those with this claim")
    .addOption(new Option("--outcome <outcome>", "only those that ended so").choices(["issued", "pending", "denied"]))
    .option("--reason <code>", "only those refused for this reason")
    .option("--limit <n>", "at most so many", wholeNumber(1, 1_000_000), NEWEST);
  examples(
    command,
    ["What was refused, and why", "fleetmint attempt list --outcome denied --data ./fleet"],
    [
      "Who tried serial numbers that nobody expects",
      "fleetmint attempt list --reason serial_not_expected -o json --data ./fleet",
    ],
  );
  remoteCommand<ListOptions>(command, context, async (remote, _, { claim, outcome, reason, limit }) => {
    const query = {
      limit: Math.min(limit, 250),
      ...(claim !== undefined && { claimId: claim }),
      ...(outcome !== undefined && { outcome }),
      ...(reason !== undefined && { reason }),
    };
    const attempts = await take(items(remote.client.listAttempts, query), limit);
    remote.output.rows(attempts, ATTEMPT_COLUMNS, "There are no such attempts.");
  });
}

function addShow(attempt: Command, context: Context): void {
  const command = attempt
    .command("show")
    .argument("<id>", "the attempt's id")
    .description("tell one attempt step by step");
  examples(command, ["Why a device was refused", "fleetmint attempt show attempt-01h… --data ./fleet"]);
  remoteCommand(command, context, async ({ client, output }, [attemptId]) => {
    const detail = await client.getAttempt({ attemptId: attemptId! });
    output.answer(detail, () => story(detail, output.paint));
  });
}

/** Who came, what was asked at each step, how it ended, and what to do. */
function story(attempt: AttemptDetail, paint: Painter): string {
  const head = facts([
    ["attempt", attempt.id],
    ["at", `${attempt.at.slice(0, 19).replace("T", " ")} UTC`],
    ["device", `${attempt.clientId} from ${attempt.remoteAddress}, by ${attempt.front}`],
    ["with", `${attempt.principal.kind} ${attempt.principal.id}`],
    ["template", attempt.template],
    ["serial number", attempt.serialNumber],
    ["certificate", attempt.certificateId],
  ]);
  const begunAt = attempt.steps[0]?.at ?? attempt.at;
  const steps = attempt.steps.map((step) => stepLine(step, begunAt, paint));
  return `${head}\n${steps.join("")}\n${ending(attempt, paint)}`;
}

function stepLine(
  { step, verdict, detail, at }: AttemptDetail["steps"][number],
  begunAt: string,
  paint: Painter,
): string {
  const mark = verdict === "ok" ? paint.tone("good", "✓") : paint.tone("bad", "✗");
  const after = `${Math.max(0, Date.parse(at) - Date.parse(begunAt))} ms`.padStart(9);
  return `${mark} ${step.padEnd(12)}${after}  ${wrap(detail, paint.width, " ".repeat(25))}\n`;
}

function ending(attempt: AttemptDetail, paint: Painter): string {
  if (attempt.outcome === "pending") return `${paint.tone("warn", "Pending: the certificate waits to be redeemed.")}\n`;
  if (attempt.outcome === "issued") {
    const written = attempt.written.map((line) => `  ${line}\n`).join("");
    return `${paint.tone("good", `Issued: ${attempt.thingName ?? "a certificate without a thing"}`)}\n${written}`;
  }
  const why = attempt.message === null ? "" : `  ${wrap(attempt.message, paint.width, "  ")}\n`;
  // The message often ends with the remedy already; then it is not said twice.
  const told = attempt.remedy === null || attempt.message?.includes(attempt.remedy) === true;
  const fix = told ? "" : `  fix: ${wrap(attempt.remedy!, paint.width, "       ")}\n`;
  return `${paint.tone("bad", `Denied: ${attempt.reason}`)}\n${why}${fix}`;
}

const EVENT_COLUMNS: readonly Column<Event>[] = [
  { title: "at (UTC)", value: ({ at }) => moment(at).slice(5) },
  { title: "event", value: ({ kind }) => kind },
  { title: "about", value: (event) => orDash(event.thingName ?? event.claimId ?? event.clientId), flexible: true },
  { title: "message", value: ({ message }) => message, flexible: true },
];

/** `fleetmint event …` */
export function addEventCommands(program: Command, context: Context): void {
  const event = program.command("event").description("what happened outside enrollments");
  const command = event
    .command("list")
    .description("list events, newest first: refused connections, suspended claims and the like")
    .option("--limit <n>", "at most so many", wholeNumber(1, 100_000), NEWEST);
  examples(command, [
    "Everything that is known of the newest ten",
    "fleetmint event list --limit 10 -o json --data ./fleet",
  ]);
  remoteCommand<{ limit: number }>(command, context, async ({ client, output }, _, { limit }) => {
    const events = await take(items(client.listEvents, { limit: Math.min(limit, 250) }), limit);
    output.rows(events, EVENT_COLUMNS, "Nothing has happened.");
  });
}

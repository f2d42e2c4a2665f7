import { FleetmintError } from "@fleetmint/sdk";

/** A refusal in three parts: what happened, to which path or id, which command fixes it. Exit code 1. */
export class CommandError extends Error {
  readonly where: string;
  readonly remedy: string;

  constructor(message: string, where: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.where = where;
    this.remedy = remedy;
  }
}

/** The command was called in a way it is not meant to be. Exit code 2. */
export class UsageError extends CommandError {}

/** Whatever a command threw, as three lines. A bug keeps its stack: there is nobody it would have to be hidden from. */
export function explainError(error: unknown, where: string): string {
  if (error instanceof CommandError) return threeLines(error.message, error.where, error.remedy);
  if (isRefusal(error))
    return threeLines(`${withoutPlace(error.message)} (${error.code})`, where, remedyOf(error, where));
  return threeLines(
    String(error),
    where,
    "This is a bug of ours; please report it with these lines.",
    (error as Error).stack,
  );
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** The client's errors, and the server package's faults when a command runs it in this process. */
function isRefusal(error: unknown): error is Refusal {
  if (error instanceof FleetmintError) return true;
  return error instanceof Error && typeof (error as Partial<Refusal>).remedy === "string" && "code" in error;
}

/** The server names a field by its place in the request, which nobody who typed a command has seen. */
function withoutPlace(message: string): string {
  return message.replace(/^(body|query|path)\./, "");
}

/** Where the server can only point at its message, the command that helps to go on. */
function remedyOf({ code, remedy }: Refusal, where: string): string {
  const group = /^fleetmint (thing|claim|template|policy|cert|attempt) /.exec(where)?.[1];
  if (code === "not_found" && group !== undefined) return `\`fleetmint ${group} list\` shows what there is.`;
  if (code === "request_invalid") return `\`${words(where, 3)} --help\` shows what it takes.`;
  if (code === "conflict" && group !== undefined) return `\`${words(where, 2)} show ID\` shows its state.`;
  return remedy;
}

function words(text: string, count: number): string {
  return text.split(" ").slice(0, count).join(" ");
}

function threeLines(what: string, where: string, remedy: string, more = ""): string {
  return `error: ${oneLine(what)}\n  where: ${oneLine(where)}\n  fix:   ${oneLine(remedy)}\n${more === "" ? "" : `${more}\n`}`;
}

/** What others wrote (names, file contents) cannot add lines of its own or move the cursor. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return text.trim().replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

import { type AgentFault, faultReport } from "../agent-fault.ts";

export type OutputFormat = "text" | "json";

/** Where a command's words go: results to standard output, progress and errors to standard error. */
export interface Output {
  readonly format: OutputFormat;
  result(text: string, json: object): void;
  say(line: string): void;
}

export function processOutput(format: OutputFormat): Output {
  return {
    format,
    result: (text, json) => process.stdout.write(`${format === "json" ? JSON.stringify(json) : text}\n`),
    say: (line) => process.stderr.write(`${line}\n`),
  };
}

/** What happened, where, and what mends it. */
export function threeLines({ message, at, fix }: AgentFault): string {
  return `fleetmint-agent: ${message}\n  at:  ${at}\n  fix: ${fix}`;
}

/** 2 for what the caller can mend in the command or the configuration, 1 for the rest. */
export function reportFault(output: Output, fault: AgentFault): number {
  output.say(threeLines(fault));
  if (output.format === "json") {
    const outcome = fault.kind === "refused" ? "denied" : "failed";
    const { reason, message, at, fix } = faultReport(fault);
    const nothing = { thingName: null, certificateId: null, expiresAt: null };
    output.result("", { outcome, ...nothing, reason, message, at, fix });
  }
  return fault.kind === "usage" ? 2 : 1;
}

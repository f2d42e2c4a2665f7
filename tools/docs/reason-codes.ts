import { FAULT_CODES, FAULTS, type FaultScope } from "@fleetmint/server";
import { markdownTable } from "./markdown-table.ts";

const SCOPES: Readonly<Record<FaultScope, string>> = {
  connect: "At CONNECT",
  enroll: "While enrolling",
  mqtt: "On a live connection",
  admin: "At the administration API",
};

/** Every refusal, where it is met, what it means and what to do. */
export function reasonCodesPage(): string {
  const sections = Object.entries(SCOPES).map(([scope, title]) => {
    const rows = FAULT_CODES.filter((code) => FAULTS[code].scope === scope).map((code) => [
      `\`${code}\``,
      FAULTS[code].meaning,
      FAULTS[code].remedy,
    ]);
    return `## ${title}\n\n${markdownTable(["code", "meaning", "what to do"], rows)}\n`;
  });
  return [
    "# Reason codes",
    "",
    "The closed list of refusals. A device finds the code in square brackets at the end of `errorMessage`, an MQTT 5 client in the",
    "Reason String, an API client in `code`, an operator in `fleetmint attempt show ID` and `fleetmint event list`.",
    "",
    "This page is generated from `packages/server/src/vocabulary/faults.ts` by `npm run docs`.",
    "",
    sections.join("\n"),
  ].join("\n");
}

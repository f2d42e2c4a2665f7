import type { DemoDevice } from "./devices.ts";
import type { Fleet } from "./fleet.ts";
import type { DemoServer } from "./server.ts";

/** Tells the story on the terminal, or stays silent and prints JSON at the end. */
export interface Narrator {
  command(args: readonly string[], why: string): void;
  agentCommand(args: readonly string[], why: string): void;
  device(client: string, serial: string): void;
  note(text: string): void;
  attempt(attempt: { readonly outcome: string; readonly reason: string | null; readonly message: string | null }): void;
  say(text: string): void;
  table(devices: readonly DemoDevice[]): void;
  whatToTry(context: { folder: string; kept: boolean; server: DemoServer; fleet: Fleet }): void;
}

export function createNarrator(json: boolean): Narrator {
  return json ? jsonNarrator : story;
}

const line = (text = ""): void => {
  process.stdout.write(`${text}\n`);
};
const colours = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const shellWord = (word: string): string => (/^[\w./:=@%+-]+$/.test(word) ? word : `'${word}'`);

const story: Narrator = {
  command(args, why) {
    line(`${paint(2, `# ${why}`)}\n$ npx fleetmint ${args.map(shellWord).join(" ")}`);
  },
  agentCommand(args, why) {
    line(`${paint(2, `  # ${why}`)}\n  $ npx fleetmint-agent ${args.map(shellWord).join(" ")}`);
  },
  device(client, serial) {
    line(`\n${paint(1, serial)}  ${client}`);
  },
  note(text) {
    line(paint(2, `  # ${text}`));
  },
  attempt({ outcome, reason, message }) {
    if (outcome === "issued") line(`  ${paint(32, "✓ issued")}`);
    else line(`  ${paint(31, `✗ ${outcome}`)}  ${reason ?? ""}\n    ${message ?? ""}`);
  },
  say: line,
  table(devices) {
    line();
    const rows = [
      ["device", "client", "outcome", "certificate", "expires", "seconds"],
      ...devices.map((device) => [
        device.thingName ?? "–",
        device.client,
        device.reason === null ? device.outcome : `${device.outcome}: ${device.reason}`,
        device.certificateId === null ? "–" : `${device.certificateId.slice(0, 12)}…`,
        device.expiresAt?.slice(0, 10) ?? "–",
        device.seconds.toFixed(1),
      ]),
    ];
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    for (const row of rows)
      line(
        row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd(),
      );
    line();
  },
  whatToTry({ folder, kept, server, fleet }) {
    const data = `--data ${server.data}`;
    line("The server keeps running. In another terminal, try:");
    line(`  npx fleetmint attempt list ${data}`);
    line(`  npx fleetmint thing show camera-CAM-0001 ${data}`);
    line(`  npx fleetmint claim audit ${fleet.claimId} ${data}`);
    line(`  npx fleetmint template explain camera --parameter SerialNumber=CAM-0003 ${data}`);
    line(`  npx fleetmint claim disable ${fleet.claimId} ${data}`);
    line(`Your own device: localhost:${server.mqttPort}, claim and CA in ${fleet.claimFolder}`);
    line(
      kept
        ? `Everything is kept in ${folder}.`
        : "Everything is removed at the end; keep it with `npm run demo -- --keep DIR`.",
    );
    line("Ctrl-C ends it.");
  },
};

const silent = (): void => undefined;

const jsonNarrator: Narrator = {
  command: silent,
  agentCommand: silent,
  device: silent,
  note: silent,
  attempt: silent,
  say: (text) => process.stderr.write(`${text}\n`),
  table(devices) {
    const rows = devices.map(({ flow, client, thingName, certificateId, outcome, reason }) => ({
      flow,
      client,
      thingName,
      certificateId,
      outcome,
      reason,
    }));
    line(JSON.stringify({ devices: rows }));
  },
  whatToTry: silent,
};

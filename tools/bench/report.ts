// The result as people read it: ratios first, since only they can be compared between machines.
import type { BenchResult } from "./run-bench.ts";
import { type Figure, isMet, type Ratio, type Summary } from "./summarize.ts";

const NAME_WIDTH = 52;
const FAULTS_SHOWN = 10;

export function report(result: BenchResult, { ratios, figures }: Summary): string {
  const { machine, rounds } = result;
  const flags = machine.flags.filter(
    (flag) => !flag.startsWith("--conditions") && !flag.startsWith("--disable-warning"),
  );
  return [
    `Node ${machine.node} (OpenSSL ${machine.openssl})${flags.length > 0 ? ` ${flags.join(" ")}` : ""}, ${machine.cpu}`,
    "TLS 1.3, P-256 certificates, X25519, AES-128-GCM, no tickets; MQTT 3.1.1; SQLite WAL, synchronous=FULL",
    peerLine(result),
    "",
    heading(`Ratios over ${rounds.length} rounds`, "median", "best", "goal"),
    ...ratios.map(ratioLine),
    "",
    heading("Figures (CPU unless said otherwise)", "median", "best", ""),
    ...figures.map(figureLine),
    "",
    ...correctnessLines(result),
    "",
  ].join("\n");
}

function peerLine({ mosquittoVersion }: BenchResult): string {
  return mosquittoVersion === undefined
    ? "mosquitto is not measured: it is not installed here (Debian: apt-get install mosquitto), or was left out."
    : `mosquitto ${mosquittoVersion} with its own OpenSSL and its default of two tickets, client chain of one certificate`;
}

function ratioLine(ratio: Ratio): string {
  const write = ratio.kind === "share" ? percent : times;
  return row(ratio.name, write(ratio.median), write(ratio.best), goalText(ratio, write));
}

function goalText(ratio: Ratio, write: (value: number) => string): string {
  const { goal } = ratio;
  if (goal === undefined) return "";
  const wanted = "atLeast" in goal ? `≥ ${write(goal.atLeast)}` : `≤ ${write(goal.atMost)}`;
  return `${wanted} ${isMet(ratio) ? "met" : "missed"}`;
}

function figureLine({ name, unit, median, best }: Figure): string {
  const digits = median < 100 ? 1 : 0;
  return row(name, `${median.toFixed(digits)} ${unit}`, `${best.toFixed(digits)} ${unit}`, "");
}

function correctnessLines({ correctness: { provisioned, rows, faults } }: BenchResult): string[] {
  const reckoning = `${provisioned} devices provisioned and connected, ${rows} things with one active certificate in the store after a kill`;
  if (faults.length === 0) return [`${reckoning}: all right.`];
  const shown = faults.slice(0, FAULTS_SHOWN);
  const rest = faults.length - shown.length;
  return [`${reckoning}: WRONG.`, ...shown, ...(rest > 0 ? [`… and ${rest} more`] : [])];
}

function heading(...cells: [string, string, string, string]): string {
  return row(...cells);
}

function row(name: string, median: string, best: string, goal: string): string {
  return `${name.padEnd(NAME_WIDTH)}${median.padStart(12)}${best.padStart(12)}  ${goal}`.trimEnd();
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function times(value: number): string {
  return `${value.toFixed(2)} ×`;
}

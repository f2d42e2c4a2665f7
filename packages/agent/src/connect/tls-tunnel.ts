// A program of its own, started by tls-in-child.ts: standard input and output on one side, verified TLS on the other.
import { once } from "node:events";
import { AgentFault, errorText, type FaultReport, faultReport } from "../agent-fault.ts";
import { TrustedTime } from "../identity/trusted-time.ts";
import { systemClock } from "../system/clock.ts";
import { readLine } from "./read-line.ts";
import type { TunnelAnswer, TunnelRequest } from "./tls-in-child.ts";
import { openVerifiedTls } from "./verified-tls.ts";

const MAX_REQUEST_BYTES = 2 * 1024 * 1024;

await run();

async function run(): Promise<void> {
  const request = JSON.parse(await readLine(process.stdin, MAX_REQUEST_BYTES)) as TunnelRequest;
  const time = new TrustedTime(systemClock, request.floorMs);
  try {
    const tls = await openVerifiedTls({ clock: systemClock, time }, request.target, request.credential);
    answer({ ok: true, floorMs: time.floorMs() });
    process.stdin.pipe(tls).pipe(process.stdout);
    // The agent sees the end of the stream; there is nothing to add.
    process.stdout.on("error", () => tls.destroy());
    await once(tls, "close");
  } catch (error) {
    answer({ ok: false, fault: reportOf(error, request) });
  } finally {
    process.stdin.destroy();
  }
}

function answer(value: TunnelAnswer): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function reportOf(error: unknown, { target }: TunnelRequest): FaultReport {
  if (error instanceof AgentFault) return faultReport(error);
  const fault = { kind: "temporary", reason: "internal_error", message: errorText(error) } as const;
  return { ...fault, at: `${target.host}:${target.port}`, fix: "report this; it is a bug of the agent" };
}

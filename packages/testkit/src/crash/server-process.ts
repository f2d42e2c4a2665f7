// node server-process.ts FOLDER [PLAN]: serves a data folder until SIGTERM, and at one named point does what its plan says.
import { readSync, writeSync } from "node:fs";
import { createLog, type FaultPoint, onFaultPoint, startServer } from "@fleetmint/server";
import type { Announcement, FaultPlan } from "./fault-plan.ts";

const [folder, plan] = process.argv.slice(2);
if (folder === undefined) throw new Error("Usage: server-process.ts FOLDER [PLAN as JSON]");
await serveUntilTold(folder, plan === undefined ? undefined : (JSON.parse(plan) as FaultPlan));

async function serveUntilTold(folder: string, plan: FaultPlan | undefined): Promise<void> {
  const stopped = new Promise((resolve) => process.once("SIGTERM", resolve));
  const server = await startServer({
    folder,
    settings: { mqttPort: 0, httpPort: 0 },
    log: createLog({ level: "error", destination: process.stderr }),
  });
  const passed: Partial<Record<FaultPoint, number>> = {};
  onFaultPoint((point) => {
    passed[point] = (passed[point] ?? 0) + 1;
    if (plan?.point === point && plan.passing === passed[point]) act(plan);
  });
  announce({ kind: "ready", mqttPort: server.mqttPort, httpPort: server.httpPort, pid: process.pid });
  await stopped;
  await server.close();
  announce({ kind: "closed", passed });
}

function act({ action, point }: FaultPlan): void {
  if (action === "kill") process.kill(process.pid, "SIGKILL");
  if (action === "throw") throw new Error(`planted at ${point}`);
  announce({ kind: "paused" });
  // Points are passed synchronously, so that the whole process stands still until the byte comes.
  readSync(0, new Uint8Array(1));
}

/** Written at once, not when the event loop comes round: the next instruction may be the last. */
function announce(announcement: Announcement): void {
  writeSync(1, `${JSON.stringify(announcement)}\n`);
}

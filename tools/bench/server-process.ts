// Fleetmint as `fleetmint serve` runs it, in a process of its own: SQLite on disk, the system's clock, the launcher's flags.
import { createLog, startServer } from "@fleetmint/server";
import { answerCalls } from "./child-process.ts";

export interface ServerAddresses {
  readonly mqttPort: number;
  readonly httpPort: number;
}

export type ServerCalls = { addresses(): Promise<ServerAddresses> };

const folder = process.argv[2]!;
const server = await startServer({
  folder,
  settings: { mqttPort: 0, httpPort: 0 },
  log: createLog({ level: "warn", destination: process.stderr }),
});
const calls: ServerCalls = {
  addresses: async () => ({ mqttPort: server.mqttPort, httpPort: server.httpPort }),
};
answerCalls(calls, () => server.close());

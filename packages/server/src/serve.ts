// `fleetmint serve`, once the command line has been read: a server, its ready file, and a clean end on a signal.
import { rmSync } from "node:fs";
import { createLog } from "./kit/log-sink.ts";
import { type RunningServer, startServer } from "./server.ts";
import { openDataFolder, writeFileDurably } from "./settings/data-folder.ts";
import { readSettings, type Settings } from "./settings/settings.ts";

export interface ServeRequest {
  readonly folder: string;
  readonly flags: Readonly<Partial<Record<keyof Settings, unknown>>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** One line per listener, for people. */
  readonly say: (line: string) => void;
  /** Resolves when the server shall end. */
  readonly untilStopped: Promise<unknown>;
}

/** What lies in the ready file. */
interface Ready {
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly host: string;
  readonly pid: number;
  readonly caFile: string;
}

/** Serves until told to stop; resolves when everything is written and closed. */
export async function serve(request: ServeRequest): Promise<void> {
  const { folder, flags, environment } = request;
  const settings = readSettings({ flags, environment, folder: openDataFolder(folder).path });
  const log = createLog({ level: settings.logLevel, destination: process.stderr });
  await using server = asDisposable(await startServer({ folder, settings: flags, environment, log }));
  const ready: Ready = { ...addressesOf(server), pid: process.pid };
  if (settings.readyFile !== undefined) writeFileDurably(settings.readyFile, `${JSON.stringify(ready)}\n`, 0o644);
  request.say(`MQTT over TLS  ${server.host}:${server.mqttPort}`);
  request.say(`Administration https://${server.host}:${server.httpPort}`);
  await request.untilStopped;
  if (settings.readyFile !== undefined) rmSync(settings.readyFile, { force: true });
}

function addressesOf({ mqttPort, httpPort, host, caFile }: RunningServer): Omit<Ready, "pid"> {
  return { mqttPort, httpPort, host, caFile };
}

function asDisposable(server: RunningServer): RunningServer & AsyncDisposable {
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

// What the commands that load the server package need of it.
import type {
  RestoredInstallation,
  RestoreRequest,
  ServeRequest,
  VerifyOptions,
  VerifyResult,
} from "@fleetmint/server";

/** A folder that `init` made. */
export interface Initialized {
  readonly dataFolder: string;
  readonly hostNames: readonly string[];
  readonly caFile: string;
  /** Where the first administrator's token lies, readable by its owner alone. */
  readonly adminFile: string;
}

export interface ServerEntry {
  initialize(request: {
    readonly folder: string;
    readonly hostNames: readonly string[];
    readonly passphraseFile: string | undefined;
  }): Promise<Initialized>;
  /** Serves until it is told to stop, and ends cleanly. Writes the ready file and `serve.json`. */
  serve(request: ServeRequest): Promise<void>;
  restore(request: RestoreRequest): Promise<RestoredInstallation>;
  verifyExport(lines: AsyncIterable<string>, options: VerifyOptions): Promise<VerifyResult>;
}

/** Loaded only by the commands that need it: a client machine starts faster and needs no database. */
export async function loadServer(): Promise<ServerEntry> {
  const server = await import("@fleetmint/server");
  const ports = { clock: server.systemClock, random: server.systemRandom() };
  return {
    async initialize(request) {
      const { folder, hostNames } = await server.initialize(ports, request);
      return { dataFolder: folder.path, hostNames, caFile: folder.caCertificate, adminFile: folder.admin };
    },
    serve: server.serve,
    restore: (request) => server.restore(ports, request),
    verifyExport: server.verifyExport,
  };
}

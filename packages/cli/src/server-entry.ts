import type { KeyObject } from "node:crypto";

// What the commands that load the server package need of it.

/** A folder that `init` made. */
export interface Initialized {
  readonly dataFolder: string;
  readonly hostNames: readonly string[];
  readonly caFile: string;
  /** Where the first administrator's token lies, readable by its owner alone. */
  readonly adminFile: string;
}

export interface ServeRequest {
  readonly folder: string;
  /** As given; what is absent comes from FLEETMINT_* variables, fleetmint.yaml and defaults. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** One line per listener, once it serves. */
  say(line: string): void;
  readonly untilStopped: Promise<unknown>;
}

export interface RestoreRequest {
  readonly folder: string;
  readonly backupFile: string;
  /** The newest signed checkpoint, to reconcile quotas with. */
  readonly checkpointFile: string | undefined;
  readonly passphraseFile: string | undefined;
}

export interface Restored {
  readonly epoch: number;
  /** What an operator must know before serving: claims that wait for reconciliation, for example. */
  readonly notes: readonly string[];
}

export interface VerifyOptions {
  /** The installation's audit key, known from elsewhere. Without it the export's own is believed. */
  readonly publicKey?: KeyObject;
  /** A signed checkpoint kept elsewhere: without one nobody can tell that the end was cut off. */
  readonly checkpoint?: string;
}

export type VerifyResult =
  | {
      readonly ok: true;
      readonly origin: string;
      readonly entries: number;
      readonly checkpoints: number;
      /** Entries that a checkpoint covers. */
      readonly vouched: number;
    }
  | { readonly ok: false; readonly firstBadIndex: number; readonly problem: string };

export interface ServerEntry {
  initialize(request: {
    readonly folder: string;
    readonly hostNames: readonly string[];
    readonly passphraseFile: string | undefined;
  }): Promise<Initialized>;
  /** Serves until it is told to stop, and ends cleanly. Writes the ready file and `serve.json`. */
  serve(request: ServeRequest): Promise<void>;
  restore(request: RestoreRequest): Promise<Restored>;
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

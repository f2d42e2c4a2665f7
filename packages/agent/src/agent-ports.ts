import { readFileSync } from "node:fs";
import { AgentFault, errorText } from "./agent-fault.ts";
import type { AgentConfig } from "./config/agent-config.ts";
import type { ServerTarget } from "./connect/check-server.ts";
import { IdentityStore } from "./identity/identity-store.ts";
import { TrustedTime } from "./identity/trusted-time.ts";
import { fileKeyStore } from "./keys/file-key-store.ts";
import type { KeyStore } from "./keys/key-store.ts";
import { pkcs11KeyStore } from "./keys/pkcs11-key-store.ts";
import type { System } from "./system/system.ts";

/** What every operation of the agent works with. */
export interface AgentPorts {
  readonly system: System;
  readonly store: IdentityStore;
  readonly keys: KeyStore;
  readonly time: TrustedTime;
  readonly target: ServerTarget;
  /** One line for a person, as things happen. */
  readonly say: (line: string) => void;
}

export function openPorts(config: AgentConfig, system: System, say: (line: string) => void): AgentPorts {
  const store = new IdentityStore(config.store);
  const rootCaPem = readPem(config.rootCaPath, "root-ca", "the CA certificate that came with the claim (ca.pem)");
  return {
    system,
    store,
    say,
    keys: config.keyStore.kind === "pkcs11" ? pkcs11KeyStore(config.keyStore, system.random) : fileKeyStore,
    time: new TrustedTime(system.clock, store.load().floorMs),
    target: { ...config.endpoint, rootCaPem, rootCaPath: config.rootCaPath },
  };
}

/** Reads a file that the configuration names. */
export function readPem(path: string, setting: string, meaning: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AgentFault(
      {
        kind: "usage",
        reason: "file_unreadable",
        message: `The file that "${setting}" names cannot be read: ${errorText(cause)}.`,
        at: path,
        fix: `put ${meaning} there, or correct "${setting}"`,
      },
      { cause },
    );
  }
}

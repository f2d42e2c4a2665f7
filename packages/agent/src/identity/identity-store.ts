import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { AgentFault, errorText } from "../agent-fault.ts";
import { makePrivateFolder, readIfPresent, replaceDurably } from "../system/durable-files.ts";
import { decodeBundle, encodeBundle } from "./bundle.ts";
import { type AgentState, EMPTY_STATE } from "./state.ts";

const BUNDLE = "identity.json";

/** The one file that holds an agent's state. Key and certificate are never apart, because they are never two files. */
export class IdentityStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get path(): string {
    return join(this.folder, BUNDLE);
  }

  load(): AgentState {
    const text = this.#guard("read", () => readIfPresent(this.path));
    if (text === undefined) return EMPTY_STATE;
    try {
      return decodeBundle(text);
    } catch (cause) {
      throw new AgentFault(
        {
          kind: "refused",
          reason: "identity_damaged",
          message: `The stored identity cannot be used: ${errorText(cause)}.`,
          at: this.path,
          fix: "restore the file from a backup, or move it away and provision again with a claim",
        },
        { cause },
      );
    }
  }

  /** On the disk when it returns. */
  save(state: AgentState): void {
    this.#guard("write", () => replaceDurably(this.prepare(), BUNDLE, encodeBundle(state)));
  }

  /** Makes the folder, or takes others' rights to it away. */
  prepare(): string {
    this.#guard("prepare", () => {
      makePrivateFolder(this.folder);
      if ((statSync(this.folder).mode & 0o077) !== 0) chmodSync(this.folder, 0o700);
    });
    return this.folder;
  }

  #guard<Result>(verb: string, action: () => Result): Result {
    try {
      return action();
    } catch (cause) {
      throw new AgentFault(
        {
          kind: "refused",
          reason: "store_unavailable",
          message: `Could not ${verb} the identity store: ${errorText(cause)}.`,
          at: this.folder,
          fix: 'free space on that disk, give this user the folder, or set "fleetmint": {"store": DIR}',
        },
        { cause },
      );
    }
  }
}

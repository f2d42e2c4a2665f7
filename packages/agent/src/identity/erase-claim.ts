import { errorText } from "../agent-fault.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { eraseFile } from "../system/durable-files.ts";

/** Erases the claim, its key first: after a power cut in between, what is left is public. Returns what it could not do. */
export function eraseClaim({ claimKeyPath, claimCertPath }: AgentConfig): string[] {
  const notes: string[] = [];
  for (const path of [claimKeyPath, claimCertPath]) {
    try {
      eraseFile(path);
    } catch (error) {
      notes.push(`The claim's file ${path} could not be erased (${errorText(error)}); remove it by hand.`);
    }
  }
  return notes;
}

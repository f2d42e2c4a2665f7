import { spawnSync } from "node:child_process";
import { missing } from "./commands.ts";

/** Why there can be no network namespaces here; undefined where there can. */
export function noNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  return missing("ip") ?? refused("network namespaces", "unshare", "--net", "true");
}

/** Why nothing can be mounted here; undefined where it can. */
export function noMounts(): string | undefined {
  if (process.getuid?.() !== 0) return "mounting a file system of a given size needs root";
  return missing("mount", "umount") ?? refused("a mount", "unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt");
}

/** Root may still lack a capability, in a container for example. */
function refused(what: string, ...command: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command[0]!, command.slice(1), { encoding: "utf8" });
  return status === 0 ? undefined : `this machine does not allow ${what}: ${error?.message ?? stderr.trim()}`;
}

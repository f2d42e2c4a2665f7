import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@fleetmint/server";
import { applySimpleTemplate, createClaim, startWorld, type TestClaim } from "../world.ts";

/** A hook that says yes, so that a server asks one. */
const WILLING_HOOK = {
  kind: "handler",
  fileName: "willing.mjs",
  source: "export const handler = async () => ({ allowProvisioning: true });\n",
} as const;

/** A data folder with a template and a claim, made once and copied for each crash. */
export class PreparedFolder implements Disposable {
  readonly claim: TestClaim;
  readonly caPem: string;
  readonly #parent: string;
  #copies = 0;

  private constructor(parent: string, claim: TestClaim) {
    this.#parent = parent;
    this.claim = claim;
    this.caPem = readFileSync(join(parent, "original", "ca.pem"), "utf8");
  }

  static async make(options: { readonly hook: boolean }): Promise<PreparedFolder> {
    const parent = mkdtempSync(join(tmpdir(), "fleetmint-crash-"));
    await using world = await startWorld({ clock: systemClock });
    await applySimpleTemplate(world, "simple", options.hook ? { hook: WILLING_HOOK } : {});
    const claim = await createClaim(world, { maxDevices: 10 });
    await world.server.close();
    cpSync(world.folder, join(parent, "original"), { recursive: true });
    return new PreparedFolder(parent, claim);
  }

  /** A fresh copy; it goes with everything else unless removed before. */
  copy(): string {
    const folder = join(this.#parent, `copy-${++this.#copies}`);
    cpSync(join(this.#parent, "original"), folder, { recursive: true });
    return folder;
  }

  [Symbol.dispose](): void {
    rmSync(this.#parent, { recursive: true, force: true });
  }
}

export function databaseFile(folder: string): string {
  return join(folder, "fleetmint.db");
}

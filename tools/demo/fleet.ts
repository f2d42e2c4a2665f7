import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fleetmintJson } from "./commands.ts";
import type { Narrator } from "./narrator.ts";
import type { DemoServer } from "./server.ts";

export interface Fleet {
  readonly template: string;
  readonly claimId: string;
  readonly claimFolder: string;
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Policy, template with hook, claim: what an operator does once. */
export async function prepareFleet(server: DemoServer, folder: string, narrator: Narrator): Promise<Fleet> {
  const data = ["--data", server.data];
  const claimFolder = join(folder, "claim");
  rmSync(claimFolder, { recursive: true, force: true });
  const run = async <Answer>(args: string[], why: string): Promise<Answer> => {
    narrator.command([...args, ...data], why);
    return fleetmintJson<Answer>([...args, ...data]);
  };
  await run(["policy", "apply", "camera", "--file", file("camera.policy.json")], "what a camera may do");
  await run(
    ["template", "apply", "camera", "--file", file("camera.template.json"), "--hook", file("factory-hook.mjs")],
    "what a camera becomes, and who is asked first",
  );
  const claim = await run<{ claimId: string }>(
    [
      "claim",
      "create",
      "--template",
      "camera",
      "--out",
      claimFolder,
      "--max-devices",
      "10",
      "--valid-for",
      "1d",
      "--from",
      "127.0.0.0/8",
      "--plain",
    ],
    "the shared credential; --plain writes its key, which only a demo should do",
  );
  return { template: "camera", claimId: claim.claimId, claimFolder };
}

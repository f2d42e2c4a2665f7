import { attemptHandlers } from "./attempts.ts";
import { certificateHandlers } from "./certificates.ts";
import { claimHandlers } from "./claims.ts";
import type { Handlers } from "./handler.ts";
import { installationHandlers } from "./installation.ts";
import { policyHandlers } from "./policies.ts";
import { templateHandlers } from "./templates.ts";
import { thingHandlers } from "./things.ts";

/** Who answers each operation; one that nobody answers does not compile. */
export const HANDLERS: Handlers = {
  ...thingHandlers,
  ...claimHandlers,
  ...templateHandlers,
  ...policyHandlers,
  ...certificateHandlers,
  ...attemptHandlers,
  ...installationHandlers,
};

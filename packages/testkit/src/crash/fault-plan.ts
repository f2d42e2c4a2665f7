import type { FaultPoint } from "@fleetmint/server";

export const FAULT_ACTIONS = ["kill", "throw", "delay"] as const;
export type FaultAction = (typeof FAULT_ACTIONS)[number];

/** What shall happen to a server, once, at a named point of its pipeline. */
export interface FaultPlan {
  readonly point: FaultPoint;
  readonly action: FaultAction;
  /** Counted from 1 since the server was ready. */
  readonly passing: number;
}

/** What a server process says of itself, one line of JSON each. */
export type Announcement =
  | { readonly kind: "ready"; readonly mqttPort: number; readonly httpPort: number; readonly pid: number }
  /** It stands still at the point of its plan until a byte arrives on its standard input. */
  | { readonly kind: "paused" }
  /** It has ended cleanly; how often each point was passed since it was ready. */
  | { readonly kind: "closed"; readonly passed: Readonly<Partial<Record<FaultPoint, number>>> };

/** "kill at intent-recorded, passing 1". */
export function describePlan({ point, action, passing }: FaultPlan): string {
  return `${action} at ${point}, passing ${passing}`;
}

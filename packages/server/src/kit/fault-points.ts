// Places where a test may stop, delay or kill the process, to prove that no half-done state survives.
// In production the hook is absent and a point costs one comparison.

/** Every fault point, by the step it follows. A step of the pipeline without a name here cannot be tested. */
export const FAULT_POINTS = [
  "certificate-requested",
  "certificate-prepared",
  "intent-recorded",
  "certificate-signed",
  "certificate-recorded",
  "redeem-looked-up",
  "hook-decided",
  "plan-evaluated",
  "redeem-written",
  "redeem-committed",
  "attempt-recorded",
  "store-before-commit",
  "store-after-commit",
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];

let hook: ((point: FaultPoint) => void) | undefined;

/** Called by the pipeline after each step. */
export function faultPoint(point: FaultPoint): void {
  hook?.(point);
}

/** Installs what happens at the points; only crash tests call this. */
export function onFaultPoint(action: ((point: FaultPoint) => void) | undefined): void {
  hook = action;
}

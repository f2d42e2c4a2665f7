import { Fault } from "../kit/fault.ts";

/** What NTP may correct without anyone being asked. */
const TOLERATED_MS = 5 * 60_000;

/**
 * Refuses to issue when the clock reads an earlier time than at the last issuance: certificates of before would not be valid yet, new
 * ones would end too early, and whoever can set a clock back could have what has expired made valid again.
 */
export function createClockCheck(lastIssuedAtMs: number): (nowMs: number) => void {
  let lastMs = lastIssuedAtMs;
  return (nowMs) => {
    if (nowMs < lastMs - TOLERATED_MS) {
      throw new Fault(
        "clock_set_back",
        `The server's clock reads ${isoTime(nowMs)}, but the last certificate was issued at ${isoTime(lastMs)}. Nothing was issued.`,
      );
    }
    lastMs = Math.max(lastMs, nowMs);
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

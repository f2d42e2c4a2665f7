import { InvalidArgumentError } from "commander";

const SECONDS = { s: 1, m: 60, h: 3600, d: 24 * 3600, w: 7 * 24 * 3600, y: 365 * 24 * 3600 } as const;

/** `90d`, `12h`, `5m` as seconds. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhdwy])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new InvalidArgumentError("Write a number and s, m, h, d, w or y, for example 90d.");
  }
  return Number(amount) * SECONDS[unit as keyof typeof SECONDS];
}

import { PkiError } from "../pki-error.ts";
import type { DerReader } from "./reader.ts";
import { TAG } from "./tags.ts";
import { textString } from "./writer.ts";

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
const GENERALIZED_FROM_MS = Date.UTC(2050, 0, 1);

/** RFC 5280 §4.1.2.5: the notAfter of a certificate without a well-defined end (99991231235959Z). */
export const NO_EXPIRY_MS: number = Date.UTC(9999, 11, 31, 23, 59, 59);

export interface DerTime {
  readonly ms: number;
  /** UTCTime or GeneralizedTime, which the linter compares with the year. */
  readonly tag: number;
}

/** UTCTime begins with 1950. */
const FIRST_MS = Date.UTC(1950, 0, 1);

/** The DER of a moment, cut to the second. */
export function encodeTime(ms: number): Uint8Array {
  if (!(ms >= FIRST_MS && ms < NO_EXPIRY_MS + 1000)) {
    throw new PkiError("request_invalid", `The time ${ms} ms is outside the years 1950 to 9999.`);
  }
  const digits = new Date(ms).toISOString().slice(0, 19).replaceAll(/[-T:]/g, "");
  if (ms >= GENERALIZED_FROM_MS) return textString(TAG.generalizedTime, `${digits}Z`);
  return textString(TAG.utcTime, `${digits.slice(2)}Z`);
}

/** Reads the only two forms that RFC 5280 §4.1.2.5 allows: YYMMDDHHMMSSZ and YYYYMMDDHHMMSSZ. */
export function readTime(reader: DerReader, name: string): DerTime {
  const tag = reader.peek();
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) reader.fail(`lacks ${name} as UTCTime or GeneralizedTime`);
  const { contentStart, end } = reader.next();
  const yearDigits = tag === TAG.utcTime ? 2 : 4;
  if (end - contentStart !== yearDigits + 11 || reader.bytes[end - 1] !== 0x5a) {
    reader.fail(`has ${name} that is not written to the second in UTC`);
  }
  const year = yearDigits === 2 ? utcYear(pair(reader, contentStart, name)) : longYear(reader, contentStart, name);
  return { ms: moment(reader, year, contentStart + yearDigits, name), tag };
}

function utcYear(twoDigits: number): number {
  return twoDigits >= 50 ? 1900 + twoDigits : 2000 + twoDigits;
}

function longYear(reader: DerReader, at: number, name: string): number {
  return pair(reader, at, name) * 100 + pair(reader, at + 2, name);
}

function moment(reader: DerReader, year: number, at: number, name: string): number {
  const month = pair(reader, at, name);
  const day = pair(reader, at + 2, name);
  const hour = pair(reader, at + 4, name);
  const minute = pair(reader, at + 6, name);
  const second = pair(reader, at + 8, name);
  const ms = year < 100 ? Number.NaN : Date.UTC(year, month - 1, day, hour, minute, second);
  const inRange = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  // Date.UTC rolls the 31st of April over into May, and 24:00 into tomorrow; a certificate may not.
  if (!inRange || hour > 23 || minute > 59 || second > 59 || Number.isNaN(ms)) {
    reader.fail(`has ${name} that is no calendar date and time`);
  }
  return ms;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
}

function pair(reader: DerReader, at: number, name: string): number {
  const tens = reader.bytes[at]! - 0x30;
  const ones = reader.bytes[at + 1]! - 0x30;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) reader.fail(`has ${name} with something else than digits`);
  return tens * 10 + ones;
}

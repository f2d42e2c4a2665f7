import { pino } from "pino";
import type { Log } from "./log.ts";
import { escapeControls, looksSecret, scrubValue } from "./scrub.ts";

export interface LogSettings {
  readonly level: "info" | "warn" | "error" | "silent";
  /** Gets one JSON line at a time: process.stderr, a file, a test. */
  readonly destination: { write(line: string): unknown };
}

/** JSON lines, bounded in every direction. Secrets are removed from each finished line, wherever they stand in it. */
export function createLog(settings: LogSettings): Log {
  const stream = { write: (line: string) => void settings.destination.write(scrubLine(line)) };
  const sink = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    info: (message, fields) => sink.info(plainFields(fields), bounded(message, MESSAGE_CHARACTERS)),
    warn: (message, fields) => sink.warn(plainFields(fields), bounded(message, MESSAGE_CHARACTERS)),
    error: (message, fields) => sink.error(plainFields(fields), bounded(message, MESSAGE_CHARACTERS)),
  };
}

const MESSAGE_CHARACTERS = 4096;
const STRING_CHARACTERS = 8192;
/** Fields come from our own code; the bounds are there for what strangers can make long, such as an error's details. */
const ENTRIES = 64;
const DEPTH = 6;
const LINE_CHARACTERS = 128 * 1024;

/** JSON.stringify has escaped C0; the other control characters can only stand inside strings, where an escape means the same. */
function scrubLine(line: string): string {
  const text = line.trimEnd();
  const clean = looksSecret(text) ? JSON.stringify(scrubValue(JSON.parse(text))) : text;
  if (clean.length > LINE_CHARACTERS) return tooLong(clean);
  return `${escapeControls(clean)}\n`;
}

function tooLong(line: string): string {
  const { level, time, msg } = JSON.parse(line) as Record<string, unknown>;
  return `${escapeControls(JSON.stringify({ level, time, msg, fields: "[too long]" }))}\n`;
}

function plainFields(fields: Readonly<Record<string, unknown>> | undefined): object {
  const copy = fields === undefined ? {} : plain(fields, 0);
  return typeof copy === "object" && copy !== null ? copy : {};
}

/** A bounded copy that JSON can hold: logging must neither throw nor loop, whatever it is given. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === "string") return bounded(value, STRING_CHARACTERS);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (typeof value !== "object") return bounded(String(value), STRING_CHARACTERS);
  if (depth >= DEPTH) return "[deeper]";
  try {
    return plainObject(value, depth);
  } catch {
    return "[unreadable]";
  }
}

function plainObject(value: object, depth: number): unknown {
  if (value instanceof Error) return plainError(value, depth);
  if (hasToJson(value)) return plain(value.toJSON(), depth + 1);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return plainObject(Object.fromEntries(value), depth);
  if (value instanceof Set) return plainObject([...value], depth);
  if (Array.isArray(value)) return value.slice(0, ENTRIES).map((inner) => plain(inner, depth + 1));
  const entries = Object.entries(value).slice(0, ENTRIES);
  return Object.fromEntries(entries.map(([key, inner]) => [bounded(key, 256), plain(inner, depth + 1)]));
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function" && !ArrayBuffer.isView(value);
}

function plainError(error: Error, depth: number): unknown {
  const own = Object.entries(error).slice(0, ENTRIES);
  return {
    type: error.name,
    message: bounded(error.message, STRING_CHARACTERS),
    ...Object.fromEntries(own.map(([key, inner]) => [bounded(key, 256), plain(inner, depth + 1)])),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: plain(error.errors, depth + 1) } : {}),
    stack: bounded(error.stack ?? "", STRING_CHARACTERS),
  };
}

/** Cuts between characters, and says so. */
function bounded(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit).toWellFormed()}… (${text.length} characters)`;
}

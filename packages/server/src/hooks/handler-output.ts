import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Clock } from "../kit/clock.ts";
import { lineScrubber } from "../kit/scrub.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";

/**
 * Brings what a handler prints into the log line by line: bounded, scrubbed, and at most so many lines in a window. What is
 * beyond is read and dropped, because a full pipe would stop the handler.
 */
export function captureOutput(stream: Readable, clock: Clock, line: (text: string) => void): void {
  const budget = lineBudget(clock, line);
  const decoder = new StringDecoder("utf8");
  const scrubLine = lineScrubber();
  const limit = HOOK_LIMITS.outputLineCharacters;
  let pending = "";
  const emit = (text: string) => {
    // Scrubbed before it is cut, lest a key lose the END by which it is known to be over.
    const clean = scrubLine(text);
    if (clean.trim() !== "") budget(clean.length > limit ? `${clean.slice(0, limit).toWellFormed()}…` : clean);
  };
  stream.on("data", (chunk: Buffer) => {
    const lines = (pending + decoder.write(chunk)).split("\n");
    // Of an endless line only its beginning is kept.
    pending = (lines.pop() ?? "").slice(0, HOOK_LIMITS.outputPendingCharacters);
    for (const text of lines) emit(text);
  });
  stream.on("end", () => emit(pending));
  stream.on("error", () => undefined);
}

function lineBudget(clock: Clock, line: (text: string) => void): (text: string) => void {
  let windowEndsMs = Number.NEGATIVE_INFINITY;
  let left = 0;
  return (text) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= windowEndsMs) {
      windowEndsMs = nowMs + HOOK_LIMITS.outputWindowMs;
      left = HOOK_LIMITS.outputLines;
    }
    if (left > 0) line(text);
    else if (left === 0)
      line(
        `… more than ${HOOK_LIMITS.outputLines} lines in ${HOOK_LIMITS.outputWindowMs / 1000} s; the rest is dropped`,
      );
    left--;
  };
}

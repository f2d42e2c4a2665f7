import { readFileSync, statSync } from "node:fs";
import { CommandError } from "../errors.ts";

/** The text of a file that the operator named, at most `limitBytes`; the error says what is wrong with which path. */
export function readInput(path: string, flag: string, limitBytes: number): string {
  const fix = `Give the path of an existing text file to ${flag}.`;
  try {
    const { size } = statSync(path);
    if (size > limitBytes) {
      throw new CommandError(
        `The file has ${size} bytes; ${limitBytes} are the limit.`,
        path,
        `Give a smaller file to ${flag}.`,
      );
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(reasonOf(error), path, fix, { cause: error });
  }
}

/** What the operating system said, as a sentence. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "The file does not exist.";
  if (code === "EACCES" || code === "EPERM") return "The file may not be opened by this user.";
  if (code === "EISDIR") return "This is a folder, not a file.";
  if (code === "ENOSPC") return "The disk is full.";
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return "The file is not UTF-8 text.";
  return `${message}.`;
}

/** One entry a line: blank lines and `#` comments are left out, a header `serial…` and further CSV columns too. */
export function readSerials(path: string, limit: number): string[] {
  const lines = readInput(path, "--serials", 64 * 1024 * 1024)
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/);
  const entries = lines.map((line) =>
    line
      .split(/[,;\t]/)[0]!
      .trim()
      .replace(/^"(.*)"$/, "$1"),
  );
  const serials = entries.filter((entry) => entry !== "" && !entry.startsWith("#"));
  if (/^serial[ _-]?(number|no)?$/i.test(serials[0] ?? "")) serials.shift();
  const fix = "Write one serial number a line.";
  if (serials.length === 0) throw new CommandError("The file lists no serial number.", path, fix);
  if (serials.length > limit) {
    throw new CommandError(`The file lists ${serials.length} serial numbers; ${limit} are the limit.`, path, fix);
  }
  const twice = duplicateOf(serials);
  if (twice !== undefined)
    throw new CommandError(`The serial number "${twice}" is listed twice.`, path, "Keep one of the lines.");
  return serials;
}

function duplicateOf(serials: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const serial of serials) {
    if (seen.has(serial)) return serial;
    seen.add(serial);
  }
  return undefined;
}

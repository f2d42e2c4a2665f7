import { Fault } from "../kit/fault.ts";
import { HOOK_LIMITS } from "./hook-limits.ts";
import type { HookConfig } from "./ports.ts";

/**
 * Checks the shape of a hook's configuration; whether a URL may be called, or a handler loads, is for those who ask it.
 * @throws Fault request_invalid, naming the field.
 */
export function parseHookConfig(value: unknown, place = "hook"): HookConfig {
  if (typeof value !== "object" || value === null) throw invalid(place, 'must be an object with a "kind"');
  const fields = value as Readonly<Record<string, unknown>>;
  switch (fields["kind"]) {
    case "webhook":
      refuseOthers(fields, ["kind", "url", "secret"], place);
      return { kind: "webhook", url: parseUrl(fields["url"], place), secret: parseSecret(fields["secret"], place) };
    case "handler":
      refuseOthers(fields, ["kind", "fileName", "source"], place);
      return {
        kind: "handler",
        fileName: parseFileName(fields["fileName"], place),
        source: parseSource(fields["source"], place),
      };
    default:
      throw invalid(`${place}.kind`, 'must be "webhook" or "handler"');
  }
}

function parseUrl(value: unknown, place: string): string {
  if (typeof value !== "string" || URL.parse(value) === null)
    throw invalid(`${place}.url`, "must be a URL such as https://host/path");
  return value;
}

function parseSecret(value: unknown, place: string): string {
  const { secretCharactersAtLeast: least, secretCharacters: most } = HOOK_LIMITS;
  if (typeof value !== "string" || value.length < least || value.length > most) {
    throw invalid(
      `${place}.secret`,
      `must be a text of ${least} to ${most} characters, for example from \`openssl rand -hex 32\``,
    );
  }
  return value;
}

/** A plain name, so that it can neither leave its folder nor be hidden in it. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.(?:mjs|cjs|js|mts|cts|ts)$/;

function parseFileName(value: unknown, place: string): string {
  if (typeof value === "string" && FILE_NAME.test(value)) return value;
  throw invalid(`${place}.fileName`, "must be a file name without folders that ends in .mjs, .cjs, .js or .ts");
}

function parseSource(value: unknown, place: string): string {
  if (typeof value !== "string" || value.trim() === "")
    throw invalid(`${place}.source`, "must be the text of a handler");
  if (Buffer.byteLength(value) > HOOK_LIMITS.sourceBytes) {
    throw invalid(`${place}.source`, `must not be longer than ${HOOK_LIMITS.sourceBytes} bytes`);
  }
  return value;
}

function refuseOthers(fields: Readonly<Record<string, unknown>>, known: readonly string[], place: string): void {
  const other = Object.keys(fields).find((name) => !known.includes(name));
  if (other !== undefined)
    throw invalid(`${place}.${other.slice(0, 60)}`, `is not known; there are ${known.join(", ")}`);
}

function invalid(place: string, sentence: string): Fault {
  return new Fault("request_invalid", `${place} ${sentence}.`);
}

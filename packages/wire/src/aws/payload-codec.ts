import { decode as decodeCbor, encode as encodeCbor } from "cborg";
import type { PayloadFormat } from "./topics.ts";

/** The payload is not the JSON or CBOR that it should be. */
export class PayloadError extends Error {
  override readonly name = "PayloadError";
}

/**
 * One payload as bytes.
 *
 * @example
 * encodePayload("json", { parameters: {} }); // the bytes of {"parameters":{}}
 */
export function encodePayload(format: PayloadFormat, value: object): Uint8Array {
  return format === "json" ? Buffer.from(JSON.stringify(value)) : encodeCbor(value);
}

/** Decodes strictly: one map, no tags, no duplicate keys, no indefinite lengths, nothing after it. An empty payload is an empty map. */
export function decodePayload(format: PayloadFormat, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length === 0) return {};
  const value = format === "json" ? decodeJson(bytes) : decodeBinary(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PayloadError("The payload is not a map.");
  return value as Record<string, unknown>;
}

function decodeJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(text, refuseDangerousKeys);
  } catch (cause) {
    throw new PayloadError(`The payload is not valid JSON: ${reasonOf(cause)}`, { cause });
  }
}

function decodeBinary(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes, {
      allowIndefinite: false,
      allowUndefined: false,
      rejectDuplicateMapKeys: true,
      strict: true,
    });
  } catch (cause) {
    throw new PayloadError(`The payload is not valid CBOR: ${reasonOf(cause)}`, { cause });
  }
}

function refuseDangerousKeys(key: string, value: unknown): unknown {
  if (key === "__proto__") throw new PayloadError('the key "__proto__" is not allowed');
  return value;
}

function reasonOf(cause: unknown): string {
  // Payloads are bounded, so a parser's recursion is too: it ends in a RangeError, never in a crash.
  if (cause instanceof RangeError) return "nested too deeply";
  return cause instanceof Error ? cause.message.slice(0, 200) : "unreadable";
}

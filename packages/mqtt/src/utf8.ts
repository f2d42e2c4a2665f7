import { malformed } from "./protocol-error.ts";

/**
 * Strict UTF-8. Refuses ill-formed bytes, surrogates and U+0000, as the specification demands [MQTT-1.5.4-1]
 * [MQTT-1.5.4-2], and the control and non-characters that it lets a receiver refuse (§1.5.4): no identifier, topic or
 * log line needs them, and each has been an attack on something that prints them.
 */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) return decodeBeyondAscii(bytes.subarray(start, end));
    if (byte < 0x20 || byte === 0x7f) throw refusedCharacter(byte);
  }
  return bytes.toString("latin1", start, end);
}

// A leading U+FEFF is a character like any other and must not be dropped [MQTT-1.5.4-3].
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeBeyondAscii(bytes: Buffer): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw malformed("MQTT-1.5.4-1", "a string is not well-formed UTF-8");
  }
  for (const character of text) refuseUnwanted(character.codePointAt(0) as number);
  return text;
}

function refuseUnwanted(codePoint: number): void {
  if (!isWanted(codePoint)) throw refusedCharacter(codePoint);
}

function isWanted(codePoint: number): boolean {
  if (codePoint < 0x20 || (codePoint >= 0x7f && codePoint <= 0x9f)) return false;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false;
  if (codePoint >= 0xfdd0 && codePoint <= 0xfdef) return false;
  return (codePoint & 0xfffe) !== 0xfffe;
}

function refusedCharacter(codePoint: number): Error {
  const name = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
  return malformed("MQTT-1.5.4-2", `a string contains ${name}, which no MQTT string may carry here`);
}

/** Whether `text` would be taken by `decodeUtf8` at the other end. */
export function isCleanText(text: string): boolean {
  for (const character of text) if (!isWanted(character.codePointAt(0) as number)) return false;
  return true;
}

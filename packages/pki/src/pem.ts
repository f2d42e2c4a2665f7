import { asBuffer } from "./bytes.ts";
import { PkiError, type PkiErrorCode } from "./pki-error.ts";

/** Enough for a private key or a CSR with RSA-4096 and many attributes; a bundle has its own limit. */
export const MAX_PEM_CHARACTERS: number = 64 * 1024;
const MAX_BUNDLE_CHARACTERS = 1024 * 1024;
const LINE = 64;
const ENCAPSULATION =
  /^-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([A-Za-z0-9+/=\s]*?)\r?\n?-----END ([A-Z0-9 ]{1,64})-----\s*$/;

export interface PemOptions {
  /** The code of a refusal; `pem_malformed` unless said otherwise. */
  readonly code?: PkiErrorCode;
  readonly maxCharacters?: number;
}

/**
 * Base64 in lines of 64 between the two encapsulation lines (RFC 7468 §2).
 * @example
 * assert.match(pemEncode(Uint8Array.of(1, 2, 3), "X509 CRL"), /^-----BEGIN X509 CRL-----\nAQID\n-----END X509 CRL-----\n$/);
 */
export function pemEncode(der: Uint8Array, label: string): string {
  const base64 = asBuffer(der).toString("base64");
  let text = `-----BEGIN ${label}-----\n`;
  for (let at = 0; at < base64.length; at += LINE) text += `${base64.slice(at, at + LINE)}\n`;
  return `${text}-----END ${label}-----\n`;
}

/** The DER of a text that is exactly one PEM block with this label; white space around it is allowed, prose is not. */
export function pemDecode(text: string, label: string, options: PemOptions = {}): Uint8Array {
  const limit = options.maxCharacters ?? MAX_PEM_CHARACTERS;
  const fail = refusal(label, options.code ?? "pem_malformed");
  if (text.length > limit) throw fail(`has ${text.length} characters; at most ${limit} are accepted`);
  const fast = canonical(text, label);
  if (fast !== undefined) return fast;
  const match = ENCAPSULATION.exec(text.trim());
  if (match === null) throw fail(`is not one PEM block "-----BEGIN ${label}-----" of base64 and nothing else`);
  if (match[1] !== label || match[3] !== label) {
    throw fail(`has the label "${match[1]}" … "${match[3]}"; both must be "${label}"`);
  }
  return strictBase64(match[2]!.replaceAll(/\s+/g, ""), fail);
}

/** Every block of a bundle, in order; text between the blocks is allowed, as programs print it there (RFC 7468 §5.2). */
export function pemDecodeAll(
  text: string,
  label: string,
  options: PemOptions & { maxBlocks?: number } = {},
): Uint8Array[] {
  const limit = options.maxCharacters ?? MAX_BUNDLE_CHARACTERS;
  const fail = refusal(label, options.code ?? "pem_malformed");
  if (text.length > limit) throw fail(`bundle has ${text.length} characters; at most ${limit} are accepted`);
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Uint8Array[] = [];
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at)) {
    const stop = text.indexOf(end, at);
    if (stop < 0) throw fail(`bundle has a block without "${end}"`);
    if (blocks.length === (options.maxBlocks ?? 100)) throw fail("bundle has too many blocks");
    blocks.push(pemDecode(text.slice(at, stop + end.length), label, options));
    at = stop + end.length;
  }
  return blocks;
}

function refusal(label: string, code: PkiErrorCode): (problem: string) => PkiError {
  return (problem) => new PkiError(code, `The PEM text (${label}) ${problem}.`);
}

/** The usual case: decode, encode again, and the text is the same. Anything else takes the slow, explaining way. */
function canonical(text: string, label: string): Uint8Array | undefined {
  const begin = `-----BEGIN ${label}-----\n`;
  if (!text.startsWith(begin)) return undefined;
  const stop = text.indexOf("-", begin.length);
  if (stop < 0) return undefined;
  const decoded = Buffer.from(text.slice(begin.length, stop), "base64");
  return pemEncode(decoded, label) === text ? decoded : undefined;
}

function strictBase64(body: string, fail: (problem: string) => PkiError): Uint8Array {
  const decoded = Buffer.from(body, "base64");
  // Buffer skips what it does not know; only a text that comes out the same was base64 (RFC 4648 §3.5 canonical).
  if (decoded.length === 0 || decoded.toString("base64") !== body) throw fail("is not canonical base64");
  return decoded;
}

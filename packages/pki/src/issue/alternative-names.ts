import { isIPv4, isIPv6 } from "node:net";
import { contextPrimitive } from "../der/tags.ts";
import { der, sequence } from "../der/writer.ts";
import { PkiError } from "../pki-error.ts";

/** RFC 1123 §2.1 labels, in lower case; names from outside ASCII come as A-labels (xn--…). */
const DNS_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;
/** One label and at least two more: `*.example` would cover a whole top-level domain. */
const MAX_NAMES = 100;

export interface AlternativeNames {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: readonly string[];
}

/** The DER of GeneralNames, or undefined where there are none. */
export function encodeAlternativeNames(names: AlternativeNames): Uint8Array | undefined {
  const { dns = [], ip = [], uri = [] } = names;
  const count = dns.length + ip.length + uri.length;
  if (count === 0) return undefined;
  if (count > MAX_NAMES) throw refused(`${count} alternative names; at most ${MAX_NAMES} are allowed`);
  const ascii = (n: number, text: string) => der(contextPrimitive(n), Buffer.from(text, "latin1"));
  return sequence(
    ...[...new Set(dns.map(dnsName))].map((name) => ascii(2, name)),
    ...[...new Set(uri.map(absoluteUri))].map((name) => ascii(6, name)),
    ...[...new Set(ip)].map((address) => der(contextPrimitive(7), ipOctets(address))),
  );
}

function dnsName(given: string): string {
  const name = given.toLowerCase();
  const labels = name.split(".");
  const wellFormed = name.length <= 253 && labels.every((label) => DNS_LABEL.test(label));
  if (!wellFormed) throw refused(`the DNS name "${given}"; use letters, digits, hyphens and dots, at most 253`);
  if (isNumeric(labels.at(-1)!)) throw refused(`the DNS name "${given}"; an address belongs under ip`);
  return name;
}

function isNumeric(label: string): boolean {
  return /^[0-9]+$/.test(label);
}

function absoluteUri(uri: string): string {
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/.test(uri) || uri.length > 255) {
    throw refused(`the URI "${uri}"; it must be absolute, ASCII and at most 255 characters`);
  }
  return uri;
}

/** Network byte order, 4 or 16 octets (RFC 5280 §4.2.1.6). */
export function ipOctets(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split(".").map(Number));
  if (!isIPv6(address) || address.includes("%"))
    throw refused(`the IP address "${address}"; write it without a zone or prefix length`);
  const [head = "", tail] = withoutDottedEnd(address).split("::");
  const front = groups(head);
  const back = groups(tail ?? "");
  const middle = tail === undefined ? [] : new Array<number>(8 - front.length - back.length).fill(0);
  return Uint8Array.from([...front, ...middle, ...back].flatMap((group) => [group >> 8, group & 0xff]));
}

/** `::ffff:192.0.2.1` → `::ffff:c000:201`. */
function withoutDottedEnd(address: string): string {
  const at = address.lastIndexOf(":") + 1;
  const end = address.slice(at);
  if (!end.includes(".")) return address;
  const [a = 0, b = 0, c = 0, d = 0] = end.split(".").map(Number);
  return `${address.slice(0, at)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function refused(what: string): PkiError {
  return new PkiError("request_invalid", `The request has ${what}.`);
}

import { BlockList, isIPv4, isIPv6 } from "node:net";
import { Fault } from "../kit/fault.ts";

/** Checks a list of CIDRs as an operator writes them; throws request_invalid naming the bad one. */
export function parseNetworks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", prefix, ...rest] = cidr.split("/");
    const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
    const bits = prefix === undefined ? (family === "ipv4" ? 32 : 128) : Number(prefix);
    const widest = family === "ipv4" ? 32 : 128;
    if (family === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefix ?? "0") || bits > widest) {
      throw new Fault("request_invalid", `"${cidr}" is not a network; write it like 192.0.2.0/24 or 2001:db8::/48.`);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

/** True where `address` lies in one of `cidrs`; an empty list allows every address. */
export function isInNetworks(cidrs: readonly string[], address: string): boolean {
  if (cidrs.length === 0) return true;
  return parseNetworks(cidrs).check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** The network an address is remembered by: IPv4 /24, IPv6 /48. */
export function networkOf(address: string): string {
  if (isIPv4(address)) return `${address.split(".").slice(0, 3).join(".")}.0/24`;
  const groups = expandIPv6(address).slice(0, 3);
  return `${groups.join(":")}::/48`;
}

function expandIPv6(address: string): string[] {
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16));
}

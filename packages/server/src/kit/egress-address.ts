import { type LookupAddress, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Fault } from "./fault.ts";

export interface AddressRules {
  /** True where the address, in canonical text form, may be called. */
  allows(address: string): boolean;
}

/** Asks for every address of a name; the operating system's resolver unless a test brings its own. */
export type Resolve = (
  hostname: string,
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

export const systemResolve: Resolve = (hostname, callback) => systemLookup(hostname, { all: true }, callback);

type Cidr = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Public unicast addresses, and the networks an operator named. */
export function addressRules(allowedNetworks: readonly string[], setting: string): AddressRules {
  const networks = allowedNetworks.map((text) => parseNetwork(text, setting));
  return { allows: (address) => isAllowed(address, networks) };
}

export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}

/** A lookup for `net.connect` that fails if any answer is refused: a name that points both ways is an attack, not a choice. */
export function guardedLookup(
  resolve: Resolve,
  check: (address: string) => Error | undefined,
  hostname: string,
): LookupFunction {
  return (_hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      const refused = addresses?.map(({ address }) => check(address)).find((refusal) => refusal !== undefined);
      const first = addresses?.[0];
      if (error !== null || refused !== undefined) callback(error ?? (refused as Error), "");
      else if (first === undefined) callback(new Error(`${hostname} has no address`), "");
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

/** Of IPv6 only 2000::/3 is handed out for the public; the rest embeds or translates other addresses, or is nobody's. */
const GLOBAL_IPV6: Cidr = ipaddr.parseCIDR("2000::/3") as Cidr;

function isAllowed(address: string, networks: readonly Cidr[]): boolean {
  // Strict forms only: "127.1" or "0x7f.1" as a looked-up address would be read differently by others.
  if (!ipaddr.IPv6.isValid(address) && !ipaddr.IPv4.isValidFourPartDecimal(address)) return false;
  const parsed = ipaddr.process(address);
  if (networks.some((network) => parsed.kind() === network[0].kind() && parsed.match(network))) return true;
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_IPV6);
}

function parseNetwork(text: string, setting: string): Cidr {
  try {
    return ipaddr.parseCIDR(text) as Cidr;
  } catch (error) {
    const message = `${setting}: "${text.slice(0, 60)}" is not a network in CIDR form, such as 10.20.0.0/16 or fd00::/8.`;
    throw new Fault("request_invalid", message, { cause: error });
  }
}

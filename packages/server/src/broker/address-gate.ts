// Counts sockets by address before anything is known of them, so that a flood costs an accept and nothing more.
import { isIPv6 } from "node:net";
import type { Clock } from "../kit/clock.ts";
import type { BrokerLimits } from "./broker-limits.ts";

export interface GateEntry {
  readonly key: string;
  total: number;
  unauthenticated: number;
  /** Connects left in the present second, and in which second that was counted. */
  connects: number;
  second: number;
  /** When a refusal was last reported; a flood is one event per address and ten seconds, not one per socket. */
  reportedAtMs: number;
}

export type GateVerdict = { readonly entry: GateEntry } | { readonly refusal: string; readonly report: boolean };

const REPORT_EVERY_MS = 10_000;

export class AddressGate {
  readonly #limits: BrokerLimits;
  readonly #clock: Clock;
  readonly #entries = new Map<string, GateEntry>();
  #unauthenticated = 0;

  constructor(limits: BrokerLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get unauthenticated(): number {
    return this.#unauthenticated;
  }

  /** Counts a new socket in, or says why it is turned away. */
  enter(address: string): GateVerdict {
    const entry = this.#entry(limitKey(address));
    const refusal = this.#refusal(entry);
    if (refusal !== undefined) return { refusal, report: this.mayReport(entry) };
    entry.total++;
    entry.unauthenticated++;
    entry.connects--;
    this.#unauthenticated++;
    return { entry };
  }

  authenticated(entry: GateEntry): void {
    entry.unauthenticated--;
    this.#unauthenticated--;
  }

  leave(entry: GateEntry, wasAuthenticated: boolean): void {
    entry.total--;
    if (!wasAuthenticated) this.authenticated(entry);
  }

  /** Forgets addresses that have nobody connected and no recent connect. */
  sweep(): void {
    const second = this.#second();
    for (const [key, entry] of this.#entries) {
      if (entry.total === 0 && entry.second < second) this.#entries.delete(key);
    }
  }

  #refusal(entry: GateEntry): string | undefined {
    const limits = this.#limits;
    if (entry.connects <= 0)
      return `more than ${limits.connectsPerSecondPerAddress} connects a second from this address`;
    if (entry.total >= limits.connectionsPerAddress) return `${entry.total} connections from this address`;
    if (entry.unauthenticated >= limits.unauthenticatedPerAddress) {
      return `${entry.unauthenticated} connections from this address have not finished TLS and CONNECT`;
    }
    if (this.#unauthenticated >= limits.unauthenticatedInAll) {
      return `${this.#unauthenticated} connections in all have not finished TLS and CONNECT`;
    }
    return undefined;
  }

  #entry(key: string): GateEntry {
    const second = this.#second();
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, total: 0, unauthenticated: 0, connects: 0, second: -1, reportedAtMs: -REPORT_EVERY_MS };
      this.#entries.set(key, entry);
    }
    if (entry.second !== second) {
      entry.second = second;
      entry.connects = this.#limits.connectsPerSecondPerAddress;
    }
    return entry;
  }

  /** One event for each address and ten seconds: a flood must not become a flood of events. */
  mayReport(entry: GateEntry): boolean {
    const now = this.#clock.monotonicMs();
    if (now - entry.reportedAtMs < REPORT_EVERY_MS) return false;
    entry.reportedAtMs = now;
    return true;
  }

  #second(): number {
    return Math.floor(this.#clock.monotonicMs() / 1000);
  }
}

/** Canonical text of an address: an IPv4 client of a dual-stack listener is an IPv4 client. */
export function canonicalAddress(address: string | undefined): string {
  if (address === undefined) return "unknown";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** Whoever has one IPv6 address usually has its /64, so that is what is counted. */
export function limitKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return `${groups.slice(0, 4).join(":")}::/64`;
}

import { Fault } from "./kit/fault.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** The flag that names another port. */
  readonly flag: "--mqtt-port" | "--http-port";
}

/** What the operating system answers when it refuses an address, as a sentence with the flag that mends it. Other errors are bugs. */
export function listenFault(error: unknown, address: ListenAddress): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  const explain = typeof code === "string" ? EXPLANATIONS.get(code) : undefined;
  return explain === undefined ? error : new Fault("conflict", explain(address), { cause: error });
}

const otherHost = (address: ListenAddress): string =>
  `The address ${address.host} is not one of this machine's; pass --host with one that is, or 0.0.0.0 for every network.`;

const EXPLANATIONS: ReadonlyMap<string, (address: ListenAddress) => string> = new Map([
  [
    "EADDRINUSE",
    ({ host, port, flag }) =>
      `Port ${port} of ${host} is taken by another process; stop that one, or pass ${flag} with a free port (0 takes any).`,
  ],
  [
    "EACCES",
    ({ host, port, flag }) =>
      `This user may not listen on port ${port} of ${host}; pass ${flag} with a port from 1024 up, or give the process CAP_NET_BIND_SERVICE.`,
  ],
  ["EADDRNOTAVAIL", otherHost],
  ["ENOTFOUND", otherHost],
  ["EAI_AGAIN", otherHost],
]);

import type { ConnackPacket, DisconnectPacket, ProtocolVersion } from "../packets.ts";
import { reasonName } from "../reason-codes.ts";

/** How a connection ended, as far as the client can tell. */
export interface ConnectionEnd {
  readonly kind:
    | "disconnected" // we said so
    | "refused" // CONNACK with a reason code
    | "disconnected-by-server" // DISCONNECT from the server, MQTT 5
    | "protocol-error" // the server broke the specification
    | "handler-failed" // our own message handler threw
    | "timed-out" // no CONNACK, or no answer to a ping
    | "stream-failed" // the stream reported an error
    | "closed"; // the stream ended without a word
  /** One sentence. */
  readonly message: string;
  /** The server's reason code, or the one we sent. */
  readonly reasonCode?: number;
  readonly reasonString?: string;
  readonly serverReference?: string;
  readonly error?: Error;
}

/** What every wait is rejected with when the connection ends under it. */
export class ConnectionEndedError extends Error {
  override readonly name = "ConnectionEndedError";
  readonly end: ConnectionEnd;

  constructor(end: ConnectionEnd) {
    super(end.message, end.error && { cause: end.error });
    this.end = end;
  }
}

/** `the server refused the connection: notAuthorized (0x87), unknown device`. */
export function refusal(
  { reasonCode, reasonString, serverReference }: ConnackPacket,
  version: ProtocolVersion,
): ConnectionEnd {
  const code = version === 5 ? reasonCode : `return code ${reasonCode}`;
  return {
    kind: "refused",
    message: describeRefusal("the server refused the connection", code, reasonString),
    reasonCode,
    ...(reasonString !== undefined && { reasonString }),
    ...(serverReference !== undefined && { serverReference }),
  };
}

/** DISCONNECT from the server, MQTT 5. */
export function dismissal({ reasonCode, reasonString, serverReference }: DisconnectPacket): ConnectionEnd {
  return {
    kind: "disconnected-by-server",
    message: describeRefusal("the server ended the connection", reasonCode, reasonString),
    reasonCode,
    ...(reasonString !== undefined && { reasonString }),
    ...(serverReference !== undefined && { serverReference }),
  };
}

function describeRefusal(what: string, code: string | number, reasonString: string | undefined): string {
  const name = typeof code === "number" ? reasonName(code) : code;
  return reasonString === undefined ? `${what}: ${name}` : `${what}: ${name}, ${reasonString}`;
}

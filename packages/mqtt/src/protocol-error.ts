import { REASON } from "./reason-codes.ts";

/** The peer broke the specification. `reasonCode` is the MQTT 5 code to answer; `clause` names the rule. */
export class MqttProtocolError extends Error {
  override readonly name: string = "MqttProtocolError";
  readonly reasonCode: number;
  readonly clause: string;

  constructor(reasonCode: number, clause: string, message: string) {
    super(`${message} [${clause}]`);
    this.reasonCode = reasonCode;
    this.clause = clause;
  }
}

/**
 * A CONNECT of MQTT 3.1 or of a level nobody knows. It is the one fault in a CONNECT that gets an answer: `answer` is
 * CONNACK "unacceptable protocol version" in the form of 3.1.1, the only one that a client of an unknown version may
 * know [MQTT-3.1.2-2]. Every other fault in a CONNECT closes the connection without a word.
 */
export class UnsupportedVersionError extends MqttProtocolError {
  override readonly name = "UnsupportedVersionError";
  readonly protocolName: string;
  readonly level: number;

  constructor(protocolName: string, level: number) {
    super(
      REASON.unsupportedProtocolVersion,
      "MQTT-3.1.2-2",
      `${protocolName} level ${level} is not served; connect with MQTT 3.1.1 (level 4) or MQTT 5 (level 5)`,
    );
    this.protocolName = protocolName;
    this.level = level;
  }

  get answer(): Uint8Array {
    return Uint8Array.of(0x20, 0x02, 0x00, 0x01);
  }
}

export function malformed(clause: string, message: string): MqttProtocolError {
  return new MqttProtocolError(REASON.malformedPacket, clause, message);
}

export function protocolError(clause: string, message: string): MqttProtocolError {
  return new MqttProtocolError(REASON.protocolError, clause, message);
}

/** A bound of ours, not a rule of the specification. */
export function overLimit(limit: string, message: string): MqttProtocolError {
  return new MqttProtocolError(REASON.quotaExceeded, `limit ${limit}`, message);
}

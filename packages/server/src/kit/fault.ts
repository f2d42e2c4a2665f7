import { FAULTS, type FaultCode } from "../vocabulary/faults.ts";

/**
 * An expected refusal. Fronts translate `code`; anything else that is thrown is a bug and stays private.
 * The message says what happened and to what; the remedy comes from the closed list of codes.
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string = FAULTS[code].meaning, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get remedy(): string {
    return FAULTS[this.code].remedy;
  }
}

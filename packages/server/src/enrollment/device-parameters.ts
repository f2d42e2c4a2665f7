import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
import { scrub } from "../kit/scrub.ts";
import { isUnsafeInPolicy } from "../templates/text.ts";
import type { ClaimRecord, ClaimStore } from "./ports.ts";

/** Bounds what a device sends before anyone works with it. */
export function checkParameters(parameters: ReadonlyMap<string, string>): void {
  if (parameters.size > LIMITS.parameters) {
    throw new Fault(
      "parameter_invalid",
      `${parameters.size} parameters were sent; at most ${LIMITS.parameters} are taken.`,
    );
  }
  for (const [name, value] of parameters) {
    if (name.length === 0 || name.length > LIMITS.parameterKeyCharacters) {
      throw new Fault("parameter_invalid", `A parameter's name has ${name.length} characters.`);
    }
    if (value.length > LIMITS.parameterValueCharacters) {
      throw new Fault("parameter_invalid", `The parameter "${shown(name)}" has ${value.length} characters.`);
    }
  }
}

/** As long as a name may be; the lists of expected devices hold none that is longer. */
const SERIAL_CHARACTERS = 128;

/**
 * A serial number is text that is safe in names and policies, and on the list where the claim has one.
 * Faults: parameter_invalid, serial_missing, serial_not_expected.
 */
export async function checkSerialNumber(
  claims: ClaimStore,
  claim: ClaimRecord,
  serial: { readonly name: string; readonly value: string | undefined },
): Promise<void> {
  if (serial.value !== undefined && serial.value.length > SERIAL_CHARACTERS) {
    throw new Fault(
      "parameter_invalid",
      `The parameter "${serial.name}" has ${serial.value.length} characters; a serial number has at most ${SERIAL_CHARACTERS}.`,
    );
  }
  if (serial.value !== undefined && isUnsafeInPolicy(serial.value)) {
    throw new Fault(
      "parameter_invalid",
      `The parameter "${serial.name}" holds a character that is not safe in a name.`,
    );
  }
  if (claim.guard !== "serials") return;
  if (serial.value === undefined || serial.value === "") {
    throw new Fault(
      "serial_missing",
      `The claim expects listed devices and the parameter "${serial.name}" is missing.`,
    );
  }
  if ((await claims.expectedDevice(claim.claimId, serial.value)) === undefined) {
    throw new Fault("serial_not_expected", `The serial number "${shown(serial.value)}" is not on the claim's list.`);
  }
}

/** What the record of an attempt keeps of a serial number. One that cannot be a serial number may be anything, a private key too. */
export function recordedSerial(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  return value.length > SERIAL_CHARACTERS || isUnsafeInPolicy(value) ? shown(value) : scrub(value);
}

/** A few names tell what was sent; all of them could fill the records. */
const NAMES_SHOWN = 16;

/** Which parameters came, for the record of an attempt. */
export function describeNames(parameters: ReadonlyMap<string, string>): string {
  if (parameters.size === 0) return "None sent.";
  const names = [...parameters.keys()].slice(0, NAMES_SHOWN).map(shown).join(", ");
  return parameters.size > NAMES_SHOWN ? `${names} and ${parameters.size - NAMES_SHOWN} more` : names;
}

/** Device text in a sentence: short, with nothing that a terminal obeys and no secret that stands in the wrong place. */
function shown(text: string): string {
  // Secrets go before the text is cut: half of one is no longer recognized.
  const clean = scrub(text);
  return clean.length > 64 ? `${clean.slice(0, 64).toWellFormed()}…` : clean;
}

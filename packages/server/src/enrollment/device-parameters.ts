import { Fault } from "../kit/fault.ts";
import { LIMITS } from "../kit/limits.ts";
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

// A serial number names a device: wildcards, policy variables and topic characters have no business in it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here.
const UNSAFE = /[*?${}+#/\u0000-\u001f\u007f-\u009f]/;

/** A serial number is safe text, and on the list where the claim has one. Faults: parameter_invalid, serial_missing, serial_not_expected. */
export async function checkSerialNumber(
  claims: ClaimStore,
  claim: ClaimRecord,
  serial: { readonly name: string; readonly value: string | undefined },
): Promise<void> {
  if (serial.value !== undefined && UNSAFE.test(serial.value)) {
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

/** Device text in a sentence: short, and with nothing that a terminal obeys. */
function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is replaced here.
  return text.slice(0, 64).replace(/[\u0000-\u001f\u007f-\u009f]/g, "�");
}

import { Fault } from "../kit/fault.ts";

/**
 * What of the server's environment a handler sees: nothing but what the operator names (a region, credentials of its own).
 * @throws Fault request_invalid for a name that must not be passed on.
 */
export function handlerEnvironment(
  names: readonly string[],
  source: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of names) {
    checkName(name);
    const value = source[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** Ours hold secrets; the others would change the program that runs, or the limits it runs under. */
const WITHHELD = /^(?:FLEETMINT_|NODE_OPTIONS$|NODE_V8_COVERAGE$|NODE_PATH$|LD_|DYLD_)/i;

function checkName(name: string): void {
  if (NAME.test(name) && !WITHHELD.test(name)) return;
  throw new Fault(
    "request_invalid",
    `The variable "${name.slice(0, 60)}" cannot be passed to handlers; choose another name.`,
  );
}

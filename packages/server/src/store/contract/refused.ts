import assert from "node:assert/strict";
import { Fault } from "../../kit/fault.ts";
import type { FaultCode } from "../../vocabulary/faults.ts";

/** The promise is refused with this code, and with a sentence. */
export async function refused(work: Promise<unknown>, code: FaultCode): Promise<Fault> {
  const error = await work.then(
    () => assert.fail(`expected the fault ${code}, but nothing was refused`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Fault)) throw error;
  assert.equal(error.code, code, error.message);
  assert.match(error.message, /\.$/);
  return error;
}

// node check-invariants.ts FILE: prints what is wrong with a database, a line each; ends with 0 only if nothing is.
import { checkInvariants } from "./invariants.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("Usage: check-invariants.ts FILE\n");
  process.exitCode = 2;
} else {
  const violations = checkInvariants(file);
  for (const { invariant, problem } of violations) process.stdout.write(`${invariant}: ${problem}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

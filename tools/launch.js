// Starts a TypeScript program of this workspace on Node 24 or newer, whatever Node was at hand to begin with.
// Plain JavaScript that Node 20 can parse, because it runs before the right Node is found:
//   node tools/launch.js tools/test.ts --deep
import { launch } from "@fleetmint/launcher";

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  process.stderr.write("Usage: node tools/launch.js PROGRAM.ts [ARGUMENT …]\n");
  process.exitCode = 2;
} else {
  launch(new URL(program, `file://${process.cwd()}/`), args);
}

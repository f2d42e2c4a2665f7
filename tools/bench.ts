// Measures the server: `npm run bench`, `npm run bench -- --quick` for a machine that is not quiet, `npm run bench -- --help`.
// How it measures is told in tools/bench/run-bench.ts and, for the figures, in tools/bench/summarize.ts.
import { readOptions, USAGE, UsageError } from "./bench/options.ts";
import { report } from "./bench/report.ts";
import { runBench } from "./bench/run-bench.ts";
import { summarize } from "./bench/summarize.ts";

try {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") process.stdout.write(USAGE);
  else {
    const result = await runBench(options, (line) => process.stderr.write(`${line} …\n`));
    const summary = summarize(result);
    const json = () => `${JSON.stringify({ ...summary, ...result }, null, 2)}\n`;
    process.stdout.write(options.output === "json" ? json() : `\n${report(result, summary)}`);
    if (result.correctness.faults.length > 0) process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\nSee: npm run bench -- --help\n`);
  process.exitCode = 2;
}

// Runs the tests: `npm test` (units, contracts, layers, world, SDKs, packet sequences; npm packages only) or
// `npm run test:deep` (crash points, foreign validators, partner programs, millions of cases; Debian packages).
// Ends with one line that says how many were skipped, and why. With FLEETMINT_SKIP_IS_FAILURE=1 a skip fails the run.
import { globSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = "{packages,tools,conformance}/**";

const args = process.argv.slice(2);
const deep = args.includes("--deep");
const named = args.filter((arg) => !arg.startsWith("--"));
const files = named.length > 0 ? named : testFiles(deep ? "*.deep.ts" : "*.test.ts");

const skipped: string[] = [];
let passed = 0;
let failed = 0;

const stream = run({
  files,
  concurrency: 2,
  // aws-crt keeps native handles open after its clients are closed; nothing waits for them.
  execArgv: ["--test-force-exit", "--conditions=source", "--disable-warning=ExperimentalWarning", ...openSslConfig()],
  timeout: deep ? 20 * 60_000 : 120_000,
});
stream.on("test:pass", (event) => {
  // A skipped suite reports no test of its own, but is as much of a hole as they.
  if (event.skip !== undefined) skipped.push(`${event.name}: ${event.skip === true ? "no reason given" : event.skip}`);
  else if (event.details.type !== "suite" && !isFile(event.name)) passed += 1;
});
stream.on("test:fail", (event) => {
  if (event.details.type !== "suite") failed += 1;
});
stream.compose(spec).pipe(process.stdout);
stream.on("end", () => setImmediate(report));

function report(): void {
  process.stdout.write("\n");
  for (const line of skipped) process.stdout.write(`skipped  ${line}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
  const skipFails = process.env["FLEETMINT_SKIP_IS_FAILURE"] === "1" && skipped.length > 0;
  if (skipFails) process.stdout.write("Here a skip is a failure: install what the lines above name.\n");
  process.exitCode = failed > 0 || skipFails || passed === 0 ? 1 : 0;
}

function testFiles(pattern: string): string[] {
  return globSync(`${SOURCES}/${pattern}`, {
    cwd: ROOT,
    exclude: (path) => path.includes("node_modules") || path.includes("/dist/"),
  })
    .sort()
    .map((file) => `${ROOT}${file}`);
}

/** The runner reports each file as a test of its own; those are not tests. */
function isFile(name: string): boolean {
  return name.endsWith(".ts");
}

/** The test processes run with the launcher's OpenSSL file too, or TLS would behave otherwise than in production. */
function openSslConfig(): string[] {
  return process.execArgv.filter((flag) => flag.startsWith("--openssl-config="));
}

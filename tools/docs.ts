// Writes the reference pages that are generated from the code: `npm run docs`. With --check it only compares and fails on a difference.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { reasonCodesPage } from "./docs/reason-codes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Each generated page by its path. */
export const PAGES: Readonly<Record<string, () => string>> = {
  "docs/reference/reason-codes.md": reasonCodesPage,
};

/** Paths of pages that are not what the code says. */
export function stalePages(): string[] {
  return Object.entries(PAGES)
    .filter(([path, page]) => readOrEmpty(path) !== page())
    .map(([path]) => path);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(ROOT + path, "utf8");
  } catch {
    return "";
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = stalePages();
  if (process.argv.includes("--check")) {
    process.stdout.write(
      stale.length === 0 ? "The generated pages are current.\n" : `Run \`npm run docs\`: ${stale.join(", ")}\n`,
    );
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    for (const path of stale) writeFileSync(ROOT + path, PAGES[path]!());
    process.stdout.write(`${stale.length} of ${Object.keys(PAGES).length} pages written.\n`);
  }
}

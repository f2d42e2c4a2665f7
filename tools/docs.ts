// Writes the reference pages that are generated from the code: `npm run docs`. With --check it only compares and fails on a difference.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { apiPage } from "./docs/api.ts";
import { commandLinePage } from "./docs/command-line.ts";
import { reasonCodesPage } from "./docs/reason-codes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Each generated page by its path. */
export const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  "docs/reference/api.md": apiPage,
  "docs/reference/command-line.md": commandLinePage,
  "docs/reference/reason-codes.md": reasonCodesPage,
};

/** Pages that are not what the code says, with what they should be. */
export async function stalePages(): Promise<Map<string, string>> {
  const stale = new Map<string, string>();
  for (const [path, page] of Object.entries(PAGES)) {
    const wanted = await page();
    if (readOrEmpty(path) !== wanted) stale.set(path, wanted);
  }
  return stale;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(ROOT + path, "utf8");
  } catch {
    return "";
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = await stalePages();
  if (process.argv.includes("--check")) {
    const paths = [...stale.keys()].join(", ");
    process.stdout.write(stale.size === 0 ? "The generated pages are current.\n" : `Run \`npm run docs\`: ${paths}\n`);
    process.exitCode = stale.size === 0 ? 0 : 1;
  } else {
    for (const [path, page] of stale) writeFileSync(ROOT + path, page);
    process.stdout.write(`${stale.size} of ${Object.keys(PAGES).length} pages written.\n`);
  }
}

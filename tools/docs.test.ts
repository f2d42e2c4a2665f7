import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { stalePages } from "./docs.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENTS = [...globSync("*.md", { cwd: ROOT }), ...globSync("docs/**/*.md", { cwd: ROOT })].sort();
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

test("the generated reference pages say what the code says", async () => {
  assert.deepEqual([...(await stalePages()).keys()], [], "run `npm run docs`");
});

test("every link of the documents leads somewhere", () => {
  assert.deepEqual(DOCUMENTS.flatMap(brokenLinks), []);
});

test("a link that leads nowhere is found", () => {
  assert.deepEqual(brokenTargets("[a](nowhere.md) [b](README.md#nothing) [c](https://example.com/)", "README.md"), [
    "nowhere.md",
    "README.md#nothing",
  ]);
});

test("every threat names a test", () => {
  const threats = read("docs/explain/threat-model.md").split(/^## /m).slice(1);
  // Which packages npm may install is settled by files, not by a test.
  const without = threats.filter((threat) => !/\.(test|deep)\.ts\)/.test(threat)).map((threat) => threat.split(" ")[0]);
  assert.deepEqual(without, ["T22"]);
});

test("every setting is documented, and nothing else", async () => {
  const names = await settingNames();
  const documented = [...read("docs/reference/settings.md").matchAll(/^\| `(\w+)` /gm)].map((match) => match[1]);
  assert.deepEqual(documented.toSorted(), names.toSorted());
});

test("every fault point stands in the issuance cycle", async () => {
  const { FAULT_POINTS } = await import("@fleetmint/server");
  const page = read("docs/explain/issuance-cycle.md");
  assert.deepEqual(
    FAULT_POINTS.filter((point) => !page.includes(`\`${point}\``)),
    [],
  );
});

test("decisions are numbered without gaps and each says its date, status, context, options and outcome", () => {
  const decisions = globSync("docs/decisions/*.md", { cwd: ROOT }).sort();
  decisions.forEach((path, index) => {
    assert.ok(path.startsWith(`docs/decisions/${String(index + 1).padStart(4, "0")}-`), path);
    for (const part of ["Date: ", "Status: ", "## Context", "## Options", "## Outcome"]) {
      assert.ok(read(path).includes(part), `${path} has no "${part}"`);
    }
  });
});

function brokenLinks(path: string): string[] {
  return brokenTargets(read(path), path).map((target) => `${path}: ${target}`);
}

function brokenTargets(text: string, path: string): string[] {
  const prose = text.replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  return targets.filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(target, path));
}

function leadsSomewhere(target: string, from: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : join(dirname(from), file);
  if (!existsSync(join(ROOT, path))) return false;
  return anchor === undefined || anchorsOf(read(path)).has(anchor);
}

/** As GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** The server lists what it knows when it meets a setting that it does not know. */
async function settingNames(): Promise<string[]> {
  const settings = new URL("../packages/server/src/settings/settings.ts", import.meta.url).href;
  const { readSettings } = (await import(settings)) as { readSettings(sources: object): object };
  try {
    readSettings({ flags: { nonsense: 1 }, environment: {}, folder: ROOT });
  } catch (error) {
    return /\(known: ([^)]*)\)/.exec((error as Error).message)?.[1]?.split(", ") ?? [];
  }
  throw new Error("a setting that does not exist was accepted");
}

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { test } from "node:test";
import { createClient, items } from "@fleetmint/sdk";
import { startApi } from "./started-api.ts";

const SOURCES = new URL("../src/", import.meta.url);
const AsyncFunction = (async () => {}).constructor as new (
  ...source: string[]
) => (...args: unknown[]) => Promise<void>;

for (const file of readdirSync(SOURCES)) {
  for (const [index, example] of examplesOf(readFileSync(new URL(file, SOURCES), "utf8")).entries()) {
    test(`example ${index + 1} in ${file} runs as it is written`, async () => {
      await using api = await startApi();
      await using client = createClient(api);
      const said: unknown[][] = [];
      const names = { createClient, items, ...api, console: { log: (...words: unknown[]) => said.push(words) } };
      // An example that makes its own client must be able to; the others are given one.
      const given = example.includes("client = ") ? names : { ...names, client };
      await new AsyncFunction(...Object.keys(given), example)(...Object.values(given));
      assert.ok(said.length > 0, "the example shows something");
    });
  }
}

/** The fenced code after each `@example`, without comment stars, imports and types. */
function examplesOf(source: string): string[] {
  return [...source.matchAll(/@example\s+\* ```ts\n([\s\S]*?)\* ```/g)].map((match) => {
    const code = (match[1] ?? "").replaceAll(/^\s*\* ?/gm, "").replaceAll(/^import .*$/gm, "");
    return stripTypeScriptTypes(code);
  });
}

test("there are examples to run", () => {
  const all = readdirSync(SOURCES).flatMap((file) => examplesOf(readFileSync(new URL(file, SOURCES), "utf8")));
  assert.ok(all.length >= 2);
});
